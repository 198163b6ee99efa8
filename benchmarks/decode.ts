/**
 * One upload from file to pictures and sound: five pictures of 224 x 224 at 0 to 4 s, 16 kHz mono of the first five seconds.
 *
 * Measures, in one run, on the same clips: our warm decode child (signals included), the same with every frame decoded, the
 * ffmpeg command started for each upload (the system's and a current static build), PyAV in a warm process. One thread: one
 * upload at a time; cases take turns on each clip. Both cores: two lanes of each case, each decoding one upload at a time.
 * Ratios are of the sums over all clips, within a round. Before it measures, it checks that the planes of every answering frame
 * equal those of a full decode, bit for bit. Does not measure: start of a child, a cold file cache, files that lie far away.
 *
 * FIRSTFIVE_BENCH_ROUNDS: rounds that are measured (7).
 */
import { createLibavDecoder } from '../src/adapters/media-libav/decoder.ts';
import { type DecodeCase, decodeCases, type Lane, requestFor } from './lib/decode-cases.ts';
import { benchmarkClips } from './lib/media-clips.ts';
import { summary } from './lib/summary.ts';
import type { BenchResult } from './report.ts';

export const description =
  'one upload from file to pictures and sound: ours beside full decode, ffmpeg commands and PyAV, on one thread and on two; ' +
  'not measured: child start, cold file cache';

const ROUNDS = Number(process.env.FIRSTFIVE_BENCH_ROUNDS ?? 7);

interface Contest {
  readonly name: string;
  readonly lanes: readonly [Lane, Lane];
  /** Per round: the sum over all clips. */
  readonly wall: number[];
  readonly cpu: number[];
  readonly perSecond: number[];
}

export async function run(): Promise<BenchResult[]> {
  const { name, paths } = benchmarkClips();
  process.stderr.write(`decode: ${name}, ${ROUNDS} rounds\n`);
  await requireExact(paths);
  const contests = await Promise.all((await decodeCases()).map(opened));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      await oneThread(contests, paths, round >= 0);
      for (const contest of contests) await allLanes(contest, paths, round >= 0);
    }
  } finally {
    for (const { lanes } of contests) for (const lane of lanes) await lane.close();
  }
  return results(contests, paths.length);
}

async function opened({ name, lane }: DecodeCase): Promise<Contest> {
  const lanes = await Promise.all([lane(), lane()]);
  return { name, lanes, wall: [], cpu: [], perSecond: [] };
}

/** Every clip once for each case, in turn; the last round's order is the first's turned, so that nobody always follows one. */
async function oneThread(
  contests: readonly Contest[],
  paths: readonly string[],
  counts: boolean,
): Promise<void> {
  const sums = new Map<Contest, { wall: number; cpu: number }>(
    contests.map((one) => [one, { wall: 0, cpu: 0 }]),
  );
  for (const path of paths) {
    for (const [contest, sum] of sums) {
      const { wall, cpu } = await contest.lanes[0].decode(path);
      sum.wall += wall;
      sum.cpu += cpu;
    }
  }
  if (!counts) return;
  for (const [contest, { wall, cpu }] of sums) {
    contest.wall.push(wall);
    contest.cpu.push(cpu);
  }
}

async function allLanes(
  { lanes, perSecond }: Contest,
  paths: readonly string[],
  counts: boolean,
): Promise<void> {
  const queue = [...paths, ...paths];
  const start = performance.now();
  await Promise.all(
    lanes.map(async (lane) => {
      for (let path = queue.shift(); path !== undefined; path = queue.shift()) await lane.decode(path);
    }),
  );
  if (counts) perSecond.push((2 * paths.length * 1000) / (performance.now() - start));
}

function results(contests: readonly Contest[], clips: number): BenchResult[] {
  const [ours, ...others] = contests;
  const measured = contests.flatMap(({ name, wall, cpu, perSecond }) => [
    summary(
      `${name}: wall per upload, one thread`,
      'ms',
      wall.map((sum) => sum / clips),
    ),
    summary(
      `${name}: CPU per upload, one thread`,
      'ms',
      cpu.map((sum) => sum / clips),
    ),
    summary(`${name}: two lanes`, 'uploads/s', perSecond),
  ]);
  if (ours === undefined) return measured;
  const ratios = others.flatMap(({ name, wall, cpu, perSecond }) => [
    summary(
      `ours is faster than ${name}, wall`,
      'times',
      wall.map((sum, i) => sum / (ours.wall[i] ?? Number.NaN)),
    ),
    summary(
      `ours is faster than ${name}, CPU`,
      'times',
      cpu.map((sum, i) => sum / (ours.cpu[i] ?? Number.NaN)),
    ),
    summary(
      `ours is faster than ${name}, two lanes`,
      'times',
      perSecond.map((rate, i) => (ours.perSecond[i] ?? Number.NaN) / rate),
    ),
  ]);
  return [...measured, ...ratios];
}

/** Planes of a sparse decode equal those of a full one, on every clip that is measured. */
async function requireExact(paths: readonly string[]): Promise<void> {
  const sparse = await createLibavDecoder({ children: 1 });
  const full = await createLibavDecoder({ children: 1, sparse: false });
  try {
    for (const path of paths) {
      const [ours, reference] = await Promise.all(
        [sparse, full].map((decoder) => decoder.decode(requestFor(path), { planeHashes: true })),
      );
      const hashes = ours?.facts.planeHashes ?? [];
      if (hashes.length === 0 || hashes.join() !== reference?.facts.planeHashes?.join()) {
        throw new Error(`a sparse decode of ${path} differs from a full one`);
      }
    }
  } finally {
    await sparse.close();
    await full.close();
  }
}
