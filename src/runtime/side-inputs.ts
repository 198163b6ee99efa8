/**
 * What a stage reads beside its input, in the same group and by the same member.
 *
 * - `retryTiers`: records of its own that failed and wait for their next attempt, one topic for each delay.
 * - `publish`: ready-made score records that a backfill hands over, so that only the live group writes the ranking topic.
 *
 * S1. Partition p of every side input belongs to the member that owns partition p of the input. It alone knows what was
 *     emitted for the keys of p, so that what comes late from the side is dropped when something newer has gone out.
 */
import { FirstFiveError } from '../core/errors.ts';
import type { TopicPartition } from '../core/record.ts';
import type { TopicSpec } from './log.ts';

/** One retry topic. The delay is the same for all its records, so they fall due in the order in which they lie there. */
export interface RetryTier {
  readonly topic: string;
  readonly delayMs: number;
}

interface Inputs {
  readonly input: string;
  readonly retryTiers?: readonly RetryTier[];
  readonly publish?: string;
}

/** What of a stage decides whether its side inputs fit. */
interface StageTopics extends Inputs {
  readonly name: string;
  readonly outputs: Readonly<Partial<Record<string, string>>>;
  readonly deadLetters: string;
}

export function sideInputs({ retryTiers = [], publish }: Omit<Inputs, 'input'>): readonly string[] {
  return [...retryTiers.map(({ topic }) => topic), ...(publish === undefined ? [] : [publish])];
}

/** All that a stage's group subscribes to. */
export function inputTopics(stage: Inputs): readonly string[] {
  return [stage.input, ...sideInputs(stage)];
}

/** S1, as it turns out: throws `TOPIC_MISMATCH` for a side partition whose input partition is another member's. */
export function requireCoOwned(
  { input, groupId }: { readonly input: string; readonly groupId: string },
  side: TopicPartition,
  isHeld: (at: TopicPartition) => boolean,
): void {
  if (side.topic === input || isHeld({ topic: input, partition: side.partition })) return;
  throw new FirstFiveError(
    'TOPIC_MISMATCH',
    `group ${groupId} has given out ${side.topic}-${side.partition} and ${input}-${side.partition} to different members: ` +
      'an older revision could overtake a newer one. All members of the group need the range assignor',
  );
}

/** Everything wrong with a stage's side inputs, as sentences. */
export function sideInputProblems(
  stage: StageTopics,
  topics: ReadonlyMap<string, TopicSpec>,
): readonly string[] {
  const at = `stage ${stage.name}`;
  const problems: string[] = [];
  const input = topics.get(stage.input);
  for (const name of sideInputs(stage)) {
    const topic = topics.get(name);
    if (topic === undefined || input === undefined) continue; // said elsewhere
    if (topic.partitions !== input.partitions)
      problems.push(`${at}: ${name} and ${input.name} must have the same number of partitions (S1)`);
    if (topic.cleanup !== 'delete')
      problems.push(`${at}: ${name} must not be compacted: a record would vanish before it is read`);
  }
  for (const { topic: name, delayMs } of stage.retryTiers ?? []) {
    const kept = topics.get(name)?.retentionMs ?? null;
    if (kept !== null && kept < 2 * delayMs)
      problems.push(`${at}: ${name} is kept for less than twice the delay that its records wait`);
  }
  if (stage.publish !== undefined && stage.outputs.score === undefined)
    problems.push(`${at} takes ready-made scores from ${stage.publish}, but writes none`);
  return problems;
}

/** A side input belongs to one stage, which alone reads it; a retry topic is written by that stage alone, too. */
export function sharedSideInputs(stages: readonly StageTopics[]): readonly string[] {
  const uses = new Map<string, number>();
  for (const stage of stages) {
    for (const name of [...inputTopics(stage), ...Object.values(stage.outputs), stage.deadLetters]) {
      if (name !== undefined) uses.set(name, (uses.get(name) ?? 0) + 1);
    }
  }
  return stages
    .flatMap((stage) => sideInputs(stage))
    .filter((name, i, all) => (uses.get(name) ?? 0) > 1 && all.indexOf(name) === i)
    .map((name) => `${name} is a side input, and may be named once in a topology only`);
}
