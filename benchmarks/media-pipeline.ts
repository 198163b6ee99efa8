/**
 * Uploads from file to score, beside a Python pipeline of PyAV and onnxruntime with two worker processes (peers/python-media).
 *
 * Both take the same list of files, decode the same pictures and sound, and run the starter's two graphs on them. Ours also reads
 * the events from its log, computes signals, runs the text head, scores, and commits the outputs with the offsets (synchronous=FULL);
 * Python does none of that: what it is given is the hard part. Measures: uploads/s with all uploads waiting, CPU time of an upload,
 * resident memory of all processes together at the end of a round. The two take turns; the first round of each warms up.
 *
 * FIRSTFIVE_BENCH_UPLOADS: uploads of a round (200). FIRSTFIVE_BENCH_ROUNDS: rounds that are measured (3).
 */
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { UploadEvent, UploadId } from '../src/core/upload.ts';
import { benchmarkClips } from './lib/media-clips.ts';
import { cpuTimes, since } from './lib/process-cpu.ts';
import { residentMiB } from './lib/process-memory.ts';
import { type AnsweringPeer, PEERS_DIR, readyPython, startPeer } from './lib/python-peer.ts';
import { summary } from './lib/summary.ts';
import { openUpParts, type UpParts } from './lib/up-parts.ts';
import type { BenchResult } from './report.ts';

export const description =
  'uploads from file to score beside PyAV + onnxruntime with two worker processes: uploads/s, CPU and memory of all processes';

const UPLOADS = Number(process.env.FIRSTFIVE_BENCH_UPLOADS ?? 200);
const ROUNDS = Number(process.env.FIRSTFIVE_BENCH_ROUNDS ?? 3);
const PYTHON_WORKERS = 2;

interface Round {
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly residentMiB: number;
}

export async function run(): Promise<BenchResult[]> {
  const { name, paths } = benchmarkClips();
  const files = Array.from({ length: UPLOADS }, (_, i) => paths[i % paths.length] ?? '');
  process.stderr.write(`media-pipeline: ${UPLOADS} uploads of ${name}, ${availableParallelism()} cores\n`);
  const ours: Round[] = [];
  const python: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // One after the other, each alone on the machine and anew: neither's memory is counted while the other runs.
    ours.push(await oursRound(files, round));
    python.push(await pythonRound(files));
  }
  return [
    ...caseResults('FirstFive, embedded', ours),
    ...caseResults(`PyAV + onnxruntime, ${PYTHON_WORKERS} workers`, python),
    summary(
      'ours is faster',
      'times',
      ours.map((one, i) => one.perSecond / (python[i]?.perSecond ?? Number.NaN)),
    ),
    summary(
      'ours takes less CPU',
      'times',
      ours.map((one, i) => (python[i]?.cpuMs ?? Number.NaN) / one.cpuMs),
    ),
  ];
}

function caseResults(name: string, rounds: readonly Round[]): BenchResult[] {
  return [
    summary(
      `${name}: throughput`,
      'uploads/s',
      rounds.map((one) => one.perSecond),
    ),
    summary(
      `${name}: CPU of one upload`,
      'ms',
      rounds.map((one) => one.cpuMs),
    ),
    summary(
      `${name}: resident memory`,
      'MiB',
      rounds.map((one) => one.residentMiB),
    ),
  ];
}

async function oursRound(files: readonly string[], round: number): Promise<Round> {
  const parts = await openUpParts(dirname(files[0] ?? ''));
  try {
    await throughPipeline(parts, uploadsOf(files.slice(0, 12), `warm-${round}`));
    const before = cpuTimes();
    const start = performance.now();
    await throughPipeline(parts, uploadsOf(files, `round-${round}`));
    const seconds = (performance.now() - start) / 1000;
    const { main, children } = residentMiB(process.pid);
    return {
      perSecond: files.length / seconds,
      cpuMs: since(before).total / files.length,
      residentMiB: main + children,
    };
  } finally {
    await parts.close();
  }
}

async function throughPipeline(parts: UpParts, events: readonly UploadEvent[]): Promise<void> {
  await parts.publish(events);
  const pipeline = await parts.start();
  while (parts.settled() < events.length) await delay(10);
  await pipeline.stop(0);
}

function uploadsOf(files: readonly string[], prefix: string): UploadEvent[] {
  return files.map((path, i) => ({
    ...{ uploadId: `${prefix}-${i}` as UploadId, revision: 0, media: { uri: pathToFileURL(path).href } },
    ...{ title: `upload ${i}`, uploadedAt: Date.now(), attributes: {} },
  }));
}

async function pythonRound(files: readonly string[]): Promise<Round> {
  const models = fileURLToPath(new URL('../models/starter/1.0.0/', import.meta.url));
  const peer = await startPeer(await readyPython('python-media'), [
    join(PEERS_DIR, 'python-media', 'pipeline.py'),
    ...[join(models, 'vision.onnx'), join(models, 'audio.onnx'), String(PYTHON_WORKERS)],
  ]);
  try {
    await asked(peer, files.slice(0, 12));
    const { seconds, cpuSeconds, residentMiB: mib, rows } = await asked(peer, files);
    if (rows !== files.length) throw new Error(`the Python pipeline answered ${rows} of ${files.length}`);
    return { perSecond: rows / seconds, cpuMs: (cpuSeconds * 1000) / rows, residentMiB: mib };
  } finally {
    await peer.end();
  }
}

interface PythonAnswer {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly residentMiB: number;
  readonly rows: number;
}

async function asked(peer: AnsweringPeer, paths: readonly string[]): Promise<PythonAnswer> {
  return JSON.parse(await peer.ask(JSON.stringify({ paths }))) as PythonAnswer;
}
