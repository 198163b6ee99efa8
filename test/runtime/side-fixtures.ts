/** A stage with retry topics and a publish topic over the memory log. */
import type { Clock } from '../../src/runtime/clock.ts';
import { inputTopics } from '../../src/runtime/side-inputs.ts';
import type { StageSpec } from '../../src/runtime/topology.ts';
import type { MemoryLog } from '../../src/testing/memory-log.ts';
import { INPUT, newLog, OUTPUT, stageSpec } from './fixtures.ts';

export const TIERS = [
  { topic: `${INPUT}.retry.30s`, delayMs: 30_000 },
  { topic: `${INPUT}.retry.5m`, delayMs: 300_000 },
] as const;
export const PUBLISH = `${OUTPUT}.publish`;

export const SIDES: Partial<StageSpec> = { retryTiers: TIERS, publish: PUBLISH };

export async function newLogWithSides(clock: Clock, partitions = 1): Promise<MemoryLog> {
  const log = await newLog(clock, partitions);
  const sides = inputTopics(stageSpec(SIDES)).filter((name) => name !== INPUT);
  await log.admin.ensureTopics(
    sides.map((name) => ({ name, partitions, cleanup: 'delete', retentionMs: null })),
  );
  return log;
}

/** End offsets as health wants them. */
export async function endsOf(log: MemoryLog): Promise<ReadonlyMap<string, bigint>> {
  const topics = await log.admin.describeTopics();
  return new Map(
    topics.flatMap(({ name, offsets }) => offsets.map(({ end }, p) => [`${name}-${p}`, end] as const)),
  );
}
