/**
 * One upload from file to pictures and sound: our warm decode child against one ffmpeg command per upload.
 *
 * Measures, per upload and on one thread each: wall time and CPU time of (a) media-libav with one child, signals included;
 * (b) the same with every frame decoded in full; (c) the ffmpeg command, started for each upload, which writes five pictures of
 * 224 x 224 and 16 kHz mono of the first five seconds to two pipes, without signals; (d) media-ffmpeg, wall time only. The
 * clips take turns, and the cases take turns on each clip, after one round that warms up. Does not measure: start of a child,
 * a cold file cache, several uploads at once, files that lie far away.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFfmpegDecoder } from '../src/adapters/media-ffmpeg/decoder.ts';
import { type FfmpegTools, findTools } from '../src/adapters/media-ffmpeg/tools.ts';
import { createLibavDecoder } from '../src/adapters/media-libav/decoder.ts';
import { DEFAULT_DECODE_LIMITS } from '../src/core/extraction.ts';
import type { DecodeRequest, Decoder } from '../src/stages/extract/decoder.ts';
import { FIVE_SECONDS } from '../test/support/media-objects.ts';
import type { BenchResult } from './report.ts';

export const description =
  'one upload from file to pictures and sound, single thread: a warm libav child (sparse and full decode) beside one ffmpeg ' +
  'command per upload; not measured: child start, cold file cache, several uploads at once';

const ROUNDS = 7;

/** Milliseconds of one decode; `cpu` where the case can tell. */
interface Cost {
  readonly wall: number;
  readonly cpu?: number;
}

interface Case {
  readonly name: string;
  decode(path: string): Promise<Cost>;
  close(): Promise<void>;
}

export async function decodeBench(clips: readonly string[] = sampleClips()): Promise<BenchResult[]> {
  const cases = await openCases();
  const measured = new Map<string, number[]>();
  try {
    for (let round = -1; round < ROUNDS; round++) {
      for (const clip of clips) {
        for (const { name, decode } of cases) {
          const { wall, cpu } = await decode(clip);
          if (round < 0) continue;
          note(measured, `${name}: wall per upload`, wall);
          if (cpu !== undefined) note(measured, `${name}: CPU per upload`, cpu);
        }
      }
    }
  } finally {
    for (const { close } of cases) await close();
  }
  return [...measured].map(([name, values]) => summary(name, values));
}

export const run = decodeBench;

function sampleClips(): string[] {
  const folder = fileURLToPath(new URL('../samples/', import.meta.url));
  return readdirSync(folder)
    .filter((name) => name.endsWith('.mp4'))
    .map((name) => folder + name);
}

async function openCases(): Promise<Case[]> {
  const sparse = await createLibavDecoder({ children: 1 });
  const full = await createLibavDecoder({ children: 1, sparse: false });
  const ours = [decoderCase('libav child', sparse), decoderCase('libav child, full decode', full)];
  const tools = await findTools().catch(() => undefined);
  if (tools === undefined) return ours;
  const ffmpeg = await createFfmpegDecoder({ children: 1 });
  const command: Case = {
    name: `ffmpeg ${tools.version} command`,
    decode: (path) => ffmpegCommand(tools, path),
    close: async () => {},
  };
  return [...ours, command, decoderCase('media-ffmpeg', ffmpeg)];
}

function decoderCase(name: string, decoder: Decoder): Case {
  return {
    name,
    async decode(path) {
      const start = performance.now();
      const { timings } = await decoder.extract(requestFor(path));
      const wall = performance.now() - start;
      const { cpu } = timings;
      return cpu === undefined ? { wall } : { wall, cpu };
    },
    close: () => decoder.close(),
  };
}

function requestFor(path: string): DecodeRequest {
  const object = {
    uri: path,
    sizeBytes: statSync(path).size,
    etag: '',
    localPath: path,
    read: async (offset: number, length: number) => readFileSync(path).subarray(offset, offset + length),
    close: async () => {},
  };
  return { object, plan: FIVE_SECONDS, limits: { ...DEFAULT_DECODE_LIMITS, deadlineMs: 60_000 } };
}

/** The command that one would write by hand. Without a sound track its second output would be an error: left out then. */
async function ffmpegCommand({ ffmpeg }: FfmpegTools, path: string): Promise<Cost> {
  const sound = ['-map', '0:a:0', '-ac', '1', '-ar', '16000', '-f', 'f32le', 'pipe:4'];
  return (await timedCommand(ffmpeg, path, sound)) ?? (await timedCommand(ffmpeg, path, [])) ?? { wall: 0 };
}

/** `undefined` when it fails. `-benchmark` makes it state its CPU time. */
async function timedCommand(
  ffmpeg: string,
  path: string,
  sound: readonly string[],
): Promise<Cost | undefined> {
  const start = performance.now();
  const child = spawn(
    ffmpeg,
    [
      ...[
        '-nostdin',
        '-hide_banner',
        '-benchmark',
        '-threads',
        '1',
        '-filter_threads',
        '1',
        '-t',
        '5',
        '-i',
        path,
      ],
      ...['-map', '0:v:0', '-vf', 'fps=1:round=up,scale=224:224:flags=bicubic', '-frames:v', '5'],
      ...['-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:3'],
      ...sound,
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  for (const pipe of child.stdio.slice(3)) pipe?.on('data', () => {});
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) return undefined;
  const wall = performance.now() - start;
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(said) ?? [];
  return user === undefined ? { wall } : { wall, cpu: (Number(user) + Number(system)) * 1000 };
}

function note(measured: Map<string, number[]>, name: string, value: number): void {
  const values = measured.get(name) ?? [];
  values.push(value);
  measured.set(name, values);
}

function summary(name: string, values: readonly number[]): BenchResult {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const round = (value = 0) => Math.round(value * 10) / 10;
  return {
    case: name,
    value: round(median),
    unit: 'ms',
    samples: values.length,
    min: round(sorted[0]),
    max: round(sorted.at(-1)),
  };
}
