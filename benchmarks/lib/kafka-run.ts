/**
 * One run of one program over the whole input, seen from outside: progress is what its group has committed.
 *
 * The clock starts at the first commit past the warm-up share and ends at the last one that is short of the whole input, so
 * that neither start-up nor the last, shorter unit counts. CPU time is the process's own, all threads, between the same two moments.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchBroker } from './kafka-bench-broker.ts';
import { PARTITIONS } from './kafka-bench-broker.ts';
import { delivered } from './kafka-load.ts';
import type { Peer } from './kafka-peers.ts';
import { toEnvironment } from './kafka-settings.ts';
import { statOf } from './proc.ts';
import { residentMiB } from './process-memory.ts';

export interface RunRequest {
  readonly peer: Peer;
  readonly input: string;
  readonly records: number;
  readonly intervalMs: number;
  readonly unitRecords?: number;
}

export interface Observation {
  readonly records: number;
  readonly atMs: number;
  readonly cpuMs: number;
  readonly residentMiB: number;
}

export interface Rate {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

const ASK_MS = 20;
const SILENCE_MS = 60_000;
const END_MS = 20_000;
const TICK_MS = 10;
const WARM_UP_SHARE = 0.3;

let runs = 0;

/** Every commit that was seen. Throws when records were lost or, where delivery is exactly-once, doubled. */
export async function run(broker: BenchBroker, request: RunRequest): Promise<readonly Observation[]> {
  const { peer, input, records } = request;
  const name = `run-${process.pid}-${++runs}`;
  await broker.createTopic(name);
  const stateDir = await mkdtemp(join(tmpdir(), 'firstfive-bench-'));
  const child = start(broker, request, { name, stateDir });
  try {
    const seen = await observe(child.process, () => broker.committed(name, input), records);
    await ended(child.process);
    const { lost, doubled } = await delivered(broker, name, { partitions: PARTITIONS, records });
    const wrong = lost > 0 || (doubled > 0 && peer.delivery === 'exactly-once');
    if (wrong) throw new Error(`${peer.name}: ${lost} of ${records} records lost, ${doubled} doubled`);
    return seen;
  } catch (thrown) {
    throw new Error(`${peer.name}: ${String(thrown)}\n${child.said()}`, { cause: thrown });
  } finally {
    child.process.kill('SIGKILL');
    await rm(stateDir, { recursive: true, force: true });
    await broker.deleteTopic(name);
  }
}

function start(
  broker: BenchBroker,
  { peer, input, intervalMs, unitRecords = 0 }: RunRequest,
  { name, stateDir }: { readonly name: string; readonly stateDir: string },
): { readonly process: ChildProcess; readonly said: () => string } {
  const settings = toEnvironment({
    ...{ brokers: broker.brokers.join(','), input, output: name, group: name, intervalMs, unitRecords },
    ...{ delivery: peer.delivery, clientDir: broker.clientDir },
  });
  const env = { ...process.env, UV_THREADPOOL_SIZE: '16', ...settings, BENCH_STATE_DIR: stateDir };
  const child = spawn(peer.command, peer.args, { env, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    said = (said + String(bytes)).slice(-2_000);
  });
  return { process: child, said: () => said };
}

async function observe(
  child: ChildProcess,
  committed: () => Promise<number>,
  records: number,
): Promise<readonly Observation[]> {
  const seen: Observation[] = [];
  let movedAt = performance.now();
  for (let last = 0; last < records; ) {
    await delay(ASK_MS);
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended by itself (${child.exitCode ?? child.signalCode})`);
    }
    const now = await committed();
    if (now > last) {
      last = now;
      movedAt = performance.now();
      seen.push({ records: now, atMs: movedAt, cpuMs: cpuOf(child), ...memoryOf(child) });
    }
    if (performance.now() - movedAt > SILENCE_MS)
      throw new Error(`no commit for ${SILENCE_MS} ms at ${last}`);
  }
  return seen;
}

/** All threads; what is left of the input after the last observation is not part of it. */
export function rateOf(seen: readonly Observation[], records: number): Rate {
  const inside = seen.filter((at) => at.records >= records * WARM_UP_SHARE && at.records < records);
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined || last === undefined || last === first) {
    throw new Error('too few commits to measure: set FIRSTFIVE_BENCH_RECORDS higher');
  }
  const count = last.records - first.records;
  return {
    perSecond: (count / (last.atMs - first.atMs)) * 1_000,
    cpuMicros: ((last.cpuMs - first.cpuMs) / count) * 1_000,
  };
}

function cpuOf({ pid = 0 }: ChildProcess): number {
  const [user = 0, system = 0] = statOf(pid).slice(11, 13).map(Number);
  return (user + system) * TICK_MS;
}

function memoryOf({ pid = 0 }: ChildProcess): { residentMiB: number } {
  return { residentMiB: residentMiB(pid).main };
}

/** The end of its input is the sign to stop. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.stdin?.end();
  if ((await Promise.race([gone, delay(END_MS, 'late', { ref: false })])) === 'late') {
    throw new Error(`it did not stop within ${END_MS} ms`);
  }
}
