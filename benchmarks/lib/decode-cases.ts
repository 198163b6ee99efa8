/** The decoders that `bench decode` compares: each opens lanes, which decode one file at a time on one thread. */
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findTools } from '../../src/adapters/media-ffmpeg/tools.ts';
import { createLibavDecoder } from '../../src/adapters/media-libav/decoder.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/core/extraction.ts';
import { fileEtag } from '../../src/core/file-etag.ts';
import type { DecodeRequest } from '../../src/stages/extract/decoder.ts';
import { FIVE_SECONDS } from '../../test/support/media-objects.ts';
import { PEERS_DIR, readyPython, startPeer } from './python-peer.ts';

/** Milliseconds of one decode. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

export interface Lane {
  decode(path: string): Promise<Cost>;
  close(): Promise<void>;
}

export interface DecodeCase {
  readonly name: string;
  lane(): Promise<Lane>;
}

export async function decodeCases(): Promise<readonly DecodeCase[]> {
  const python = await readyPython('python-media');
  return [
    await libavCase('FirstFive', true),
    await libavCase('node-av, every frame decoded', false),
    ...(await commandCases(python)),
    await pyavCase(python),
  ];
}

/** A warm child of ours. Signals are computed too: that is what an upload costs. */
async function libavCase(what: string, sparse: boolean): Promise<DecodeCase> {
  const probe = await createLibavDecoder({ children: 1 });
  await probe.close();
  return {
    name: `${what} (${probe.build})`,
    async lane() {
      const decoder = await createLibavDecoder({ children: 1, sparse });
      return {
        async decode(path) {
          const start = performance.now();
          const { timings } = await decoder.extract(requestFor(path));
          return { wall: performance.now() - start, cpu: timings.cpu ?? Number.NaN };
        },
        close: () => decoder.close(),
      };
    },
  };
}

export function requestFor(path: string): DecodeRequest {
  const bytes = readFileSync(path);
  const object = {
    ...{ uri: path, sizeBytes: bytes.byteLength, localPath: path },
    etag: fileEtag(statSync(path, { bigint: true })),
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
    close: async () => {},
  };
  return { object, plan: FIVE_SECONDS, limits: { ...DEFAULT_DECODE_LIMITS, deadlineMs: 60_000 } };
}

/** The system's ffmpeg, where there is one, and the static build that comes with imageio-ffmpeg. */
async function commandCases(python: string): Promise<readonly DecodeCase[]> {
  const system = await findTools().catch(() => undefined);
  const found = await outputOf(python, ['-c', 'import imageio_ffmpeg as f; print(f.get_ffmpeg_exe())']);
  const builds = [...(system === undefined ? [] : [system.ffmpeg]), found.trim()];
  return Promise.all(
    builds.map(async (ffmpeg) => {
      const [, version = 'unknown'] =
        /^ffmpeg version (\S+)/.exec(await outputOf(ffmpeg, ['-version'])) ?? [];
      const lane: Lane = { decode: (path) => ffmpegCommand(ffmpeg, path), close: async () => {} };
      return { name: `ffmpeg command ${version}`, lane: async () => lane };
    }),
  );
}

async function pyavCase(python: string): Promise<DecodeCase> {
  const program = join(PEERS_DIR, 'python-media', 'decode.py');
  const name = await outputOf(python, [program]);
  return {
    name: name.trim(),
    async lane() {
      const peer = await startPeer(python, [program]);
      return {
        async decode(path) {
          const [wall = Number.NaN, cpu = Number.NaN] = (await peer.ask(path)).split(' ').map(Number);
          return { wall: wall * 1000, cpu: cpu * 1000 };
        },
        close: () => peer.end(),
      };
    },
  };
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return text;
}

/** The command that one would write by hand. Without a sound track its second output would be an error: left out then. */
async function ffmpegCommand(ffmpeg: string, path: string): Promise<Cost> {
  const sound = ['-map', '0:a:0', '-ac', '1', '-ar', '16000', '-f', 'f32le', 'pipe:4'];
  const cost = (await timedCommand(ffmpeg, path, sound)) ?? (await timedCommand(ffmpeg, path, []));
  if (cost === undefined) throw new Error(`${ffmpeg} cannot decode ${path}`);
  return cost;
}

const QUIET = ['-nostdin', '-hide_banner', '-benchmark', '-threads', '1', '-filter_threads', '1'];
const PICTURES = [
  ...['-map', '0:v:0', '-vf', 'fps=1:round=up,scale=224:224:flags=bicubic', '-frames:v', '5'],
  ...['-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:3'],
];

/** `undefined` when it fails. `-benchmark` makes it state its CPU time. */
async function timedCommand(
  ffmpeg: string,
  path: string,
  sound: readonly string[],
): Promise<Cost | undefined> {
  const start = performance.now();
  const child = spawn(ffmpeg, [...QUIET, '-t', '5', '-i', path, ...PICTURES, ...sound], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  for (const pipe of child.stdio.slice(3)) pipe?.on('data', () => {});
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) return undefined;
  const wall = performance.now() - start;
  const [, user = '', system = ''] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(said) ?? [];
  return { wall, cpu: (Number(user) + Number(system)) * 1000 };
}
