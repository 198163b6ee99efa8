/**
 * Resident memory of a real `up` process and of its decode children while many small uploads pass through: pictures with sound, sound
 * alone, pictures alone, and one in ten that is rejected.
 *
 * Measures: resident memory (VmRSS of /proc) early and late, and its slope by least squares over the second half, when caches and
 * heaps have filled. A slope of 0 is the goal; what a leak of 1 kB an upload would show is 0.98 MiB/1,000 uploads.
 * Does not measure: large media, long times, other logs than the embedded one. Linux only.
 *
 * FIRSTFIVE_BENCH_UPLOADS sets the number of uploads (5,000).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openLog, openSerdes } from '../src/cli/openers.ts';
import { loadConfiguration } from '../src/config/load.ts';
import type { UploadId } from '../src/core/upload.ts';
import type { Log } from '../src/runtime/log.ts';
import { aviBytes, wavBytes, y4mBytes } from '../test/support/tiny-media.ts';
import { residentMiB } from './lib/process-memory.ts';
import { summary } from './lib/summary.ts';
import type { BenchResult } from './report.ts';

export const description =
  'resident memory of `up` and its children over thousands of uploads, and its slope';

const UPLOADS = Number(process.env.FIRSTFIVE_BENCH_UPLOADS ?? 5_000);
/** Uploads that may wait: enough to keep the pipeline busy, too few to be a backlog that it has to hold. */
const WAITING = 200;
const SAMPLE_MS = 500;

interface MemorySample {
  readonly done: number;
  readonly main: number;
  readonly children: number;
}

export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-bench-'));
  const packageRoot = fileURLToPath(new URL('..', import.meta.url));
  const media = await tinyMedia(join(folder, 'media'));
  const flags = { data: join(folder, 'data'), mediaRoots: join(folder, 'media') };
  const cores = availableParallelism();
  const { options, topology } = await loadConfiguration({ flags, env: {}, cwd: folder, packageRoot, cores });
  const log = await openLog(options.log, { synchronous: 'NORMAL' });
  await log.admin.ensureTopics(topology.topics);
  const up = startUp(packageRoot, ['--data', flags.data, '--media-roots', flags.mediaRoots]);
  try {
    const [stage] = topology.stages;
    const publish = publisher(log, stage?.input ?? '', await openSerdes(options.registry, {}), media);
    return results(await sampled(log, stage?.groupId ?? '', { publish, up }));
  } finally {
    await ended(up);
    await log.close();
    await rm(folder, { recursive: true });
  }
}

interface Feed {
  readonly publish: (from: number, count: number) => Promise<void>;
  readonly up: ChildProcess;
}

async function sampled(log: Log, groupId: string, { publish, up }: Feed): Promise<MemorySample[]> {
  const samples: MemorySample[] = [];
  let published = 0;
  for (let done = 0; done < UPLOADS; ) {
    const more = Math.min(UPLOADS, done + WAITING) - published;
    if (more >= WAITING / 2 || (more > 0 && published + more === UPLOADS)) {
      await publish(published, more);
      published += more;
    }
    await delay(SAMPLE_MS);
    if (up.exitCode !== null) throw new Error(`up ended with ${up.exitCode}`);
    const committed = await log.admin.committedOffsets(groupId);
    done = committed.reduce((sum, { offset }) => sum + Number(offset), 0);
    if (done > 0) samples.push({ done, ...residentMiB(up.pid ?? 0) });
  }
  return samples;
}

function results(samples: readonly MemorySample[]): BenchResult[] {
  const part = (from: number, to: number) =>
    samples.filter(({ done }) => done >= UPLOADS * from && done <= UPLOADS * to);
  const half = part(0.5, 1);
  const parts = { '10-20': part(0.1, 0.2), '45-55': part(0.45, 0.55), '90-100': part(0.9, 1) };
  return (['main', 'children'] as const).flatMap((who) => {
    const name = who === 'main' ? 'main process' : 'decode children together';
    const values = (of: readonly MemorySample[]) => of.map((sample) => sample[who]);
    const slope = 1_000 * slopeOf(half.map((sample) => [sample.done, sample[who]]));
    return [
      ...Object.entries(parts).map(([percent, of]) =>
        summary(`${name}, resident, ${percent} % of ${UPLOADS} uploads`, 'MiB', values(of)),
      ),
      summary(`${name}, slope over the second half`, 'MiB/1,000 uploads', [slope]),
    ];
  });
}

/** Least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (pick: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const spread = mean(([x]) => (x - meanX) ** 2);
  return mean(([x, y]) => (x - meanX) * (y - meanY)) / spread;
}

function publisher(
  log: Log,
  topic: string,
  { uploadCreated }: Awaited<ReturnType<typeof openSerdes>>,
  media: readonly string[],
): Feed['publish'] {
  return async (from, count) => {
    const records = Array.from({ length: count }, (_, i) => {
      const uploadId = `upload-${from + i}` as UploadId;
      const uri = (from + i) % 10 === 9 ? 'file:///nowhere.mp4' : (media[(from + i) % media.length] ?? '');
      const text = { title: `small upload ${from + i}`, attributes: {} };
      const event = { uploadId, revision: 0, media: { uri }, uploadedAt: Date.now(), ...text };
      const value = uploadCreated.serialize(event);
      return { topic, timestamp: Date.now(), key: Buffer.from(uploadId), value, headers: [] };
    });
    await log.append(records);
  };
}

async function tinyMedia(folder: string): Promise<string[]> {
  await mkdir(folder);
  const files = {
    'both.avi': aviBytes({ frames: 3 }),
    'sound.wav': wavBytes(),
    'picture.y4m': y4mBytes({ frames: 1 }),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  return Object.keys(files).map((name) => pathToFileURL(join(folder, name)).href);
}

function startUp(packageRoot: string, flags: readonly string[]): ChildProcess {
  const command = [...process.execArgv, join(packageRoot, 'src/cli/main.ts'), 'up', ...flags];
  return spawn(process.execPath, [...command, '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function ended(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null) return;
  const gone = new Promise((resolve) => up.once('close', resolve));
  up.kill('SIGTERM');
  await gone;
}
