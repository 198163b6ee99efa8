/**
 * The live line of long work: `scoring  128/400 uploads  12.3/s  4 in work  2 failed  ETA 22s`.
 *
 * P1. Drawn on a terminal's stderr only, and cleared before anything else is written there and at the end.
 * P2. It redraws on a timer, not on every upload: fast work must not spend its time painting.
 */
import type { CliStream } from './streams.ts';
import { columnsOf } from './streams.ts';
import { cutTo } from './text-width.ts';

export interface ProgressCounts {
  readonly done: number;
  readonly failed: number;
  readonly inWork: number;
  /** `undefined` while the input is still being read. */
  readonly total: number | undefined;
}

export interface ProgressLine {
  update(counts: ProgressCounts): void;
  /** Removes the line, so that other output can be written; the next redraw brings it back. */
  clear(): void;
  close(): void;
}

export interface ProgressOptions {
  readonly stream: CliStream;
  readonly label: string;
  /** What is counted, in the plural. */
  readonly noun: string;
  readonly enabled: boolean;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

const REDRAW_MS = 200;
/** The rate is that of about the last ten seconds: it follows changes and does not flicker. */
const RATE_WINDOW_MS = 10_000;

export function openProgress(options: ProgressOptions): ProgressLine {
  if (!options.enabled || options.stream.isTTY !== true) return { update() {}, clear() {}, close() {} };
  return liveLine(options);
}

function liveLine({ stream, label, noun, now = () => performance.now() }: ProgressOptions): ProgressLine {
  let counts: ProgressCounts = { done: 0, failed: 0, inWork: 0, total: undefined };
  const samples: [at: number, done: number][] = [[now(), 0]];
  const draw = () => {
    const at = now();
    samples.push([at, counts.done]);
    while (samples.length > 2 && at - (samples[0]?.[0] ?? at) > RATE_WINDOW_MS) samples.shift();
    stream.write(
      `\r\x1b[2K${cutTo(progressText(label, noun, counts, rateOf(samples)), columnsOf(stream) - 1)}`,
    );
  };
  const clear = () => stream.write('\r\x1b[2K');
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  return {
    update: (next) => {
      counts = next;
    },
    clear,
    close: () => {
      clearInterval(timer);
      clear();
    },
  };
}

/** Per second, between the first and the last sample. */
function rateOf(samples: readonly (readonly [at: number, done: number])[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last[0] <= first[0]) return 0;
  return ((last[1] - first[1]) * 1_000) / (last[0] - first[0]);
}

export function progressText(label: string, noun: string, counts: ProgressCounts, perSecond: number): string {
  const { done, failed, inWork, total } = counts;
  const parts = [
    label,
    total === undefined ? `${done} ${noun}` : `${done}/${total} ${noun}`,
    `${perSecond.toFixed(1)}/s`,
    `${inWork} in work`,
  ];
  if (failed > 0) parts.push(`${failed} failed`);
  if (total !== undefined && total > done && perSecond > 0)
    parts.push(`ETA ${etaText((total - done) / perSecond)}`);
  return parts.join('  ');
}

function etaText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3_600)}h ${Math.floor((whole % 3_600) / 60)}m`;
}
