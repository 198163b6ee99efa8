/** What a `read_committed` reader sees of the outputs, against what was put in. */
import type { Log } from '../../../src/runtime/log.ts';

export interface Verdict {
  readonly inputs: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Keys whose outputs are not in the order of their inputs. */
  readonly disordered: readonly string[];
}

/** Values are `KEY:SEQUENCE`, with sequences that grow per key. */
export async function judge(log: Log, output: string, inputs: ReadonlySet<string>): Promise<Verdict> {
  const seen = new Map<string, number>();
  const lastOfKey = new Map<string, number>();
  const disordered = new Set<string>();
  for (const value of await committedValues(log, output)) {
    seen.set(value, (seen.get(value) ?? 0) + 1);
    const [key = '', sequence] = value.split(':');
    if (Number(sequence) < (lastOfKey.get(key) ?? -1)) disordered.add(key);
    lastOfKey.set(key, Number(sequence));
  }
  return {
    inputs: inputs.size,
    lost: [...inputs].filter((value) => !seen.has(value)),
    doubled: [...seen].filter(([, count]) => count > 1).map(([value]) => value),
    disordered: [...disordered],
  };
}

export async function committedValues(log: Log, topic: string): Promise<readonly string[]> {
  const [description] = await log.admin.describeTopics([topic]);
  const ends = description?.offsets ?? [];
  const reader = await log.openReader([topic], { at: 'beginning' });
  const values: string[] = [];
  while (reader.positions().some((at) => at.offset < (ends[at.partition]?.end ?? 0n))) {
    const records = await reader.next({ maxRecords: 10_000, maxBytes: 16_000_000, maxWaitMs: 1_000 });
    for (const record of records) values.push(new TextDecoder().decode(record.value ?? undefined));
  }
  await reader.close();
  return values;
}

/** Resolves when the group has committed up to where the inputs end, or throws after `deadlineMs`. */
export async function untilConsumed(
  log: Log,
  groupId: string,
  inputEnds: ReadonlyMap<number, bigint>,
  deadlineMs: number,
): Promise<void> {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const committed = new Map(
      (await log.admin.committedOffsets(groupId)).map((at) => [at.partition, at.offset]),
    );
    const behind = [...inputEnds].filter(([partition, end]) => (committed.get(partition) ?? 0n) < end);
    if (behind.length === 0) return;
    if (performance.now() > until) {
      const where = behind.map(([p, end]) => `${p}: ${committed.get(p) ?? 'nothing'} of ${end}`).join(', ');
      throw new Error(`after ${deadlineMs} ms the group still is behind on partitions ${where}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
