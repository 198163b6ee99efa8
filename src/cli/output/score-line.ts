/** One upload on one plain line, for where stdout is no terminal: `clip  0.63  [0.39, 0.84]  title:word +0.21`. */
import type { Reason } from '../../core/score.ts';
import type { ScoreOutcome } from './score-outcome.ts';
import { type CliStream, columnsOf } from './streams.ts';
import { cutTo, harmless } from './text-width.ts';

/** Reasons that every score has: they say where the scale starts, not what this upload is. */
const ALWAYS: ReadonlySet<string> = new Set(['intercept', 'calibration']);

export function scoreLine(outcome: ScoreOutcome): string {
  if (outcome.status === 'rejected') {
    return `${harmless(outcome.uploadId)}  rejected  ${outcome.code}  ${harmless(outcome.message)}`;
  }
  const { uploadId, ecr, lower, upper, reasons, missing } = outcome.score;
  const parts = [
    harmless(uploadId),
    ecr.toFixed(2),
    `[${lower.toFixed(2)}, ${upper.toFixed(2)}]`,
    topReasons(reasons, 2).map(reasonText).join(', '),
    missing.length === 0 ? '' : `without ${missing.join(' and ')}`,
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** The strongest contributions of this upload, strongest first. */
export function topReasons(reasons: readonly Reason[], count: number): readonly Reason[] {
  return reasons
    .filter(({ feature, contribution }) => !ALWAYS.has(feature) && contribution !== 0)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
    .slice(0, count);
}

export function reasonText({ feature, contribution }: Reason): string {
  const sign = contribution < 0 ? '-' : '+';
  return `${harmless(feature)} ${sign}${Math.abs(contribution).toFixed(2)}`;
}

/** Fits a line to the terminal, where there is one. */
export function fitted(line: string, stream: CliStream): string {
  return stream.isTTY ? cutTo(line, columnsOf(stream)) : line;
}
