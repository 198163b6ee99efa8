/**
 * The predicates of `backfill plan`. All that are given must hold; of one that is given several times, one is enough.
 *
 * F1. `--score-below` and `--bundle-not` look at the newest live score as it stands while the plan is made.
 */
import type { Serdes } from '../../../adapters/schemas/index.ts';
import type { BackfillFilter } from '../../../core/backfill-plan.ts';
import { FirstFiveError } from '../../../core/errors.ts';
import type { StreamRecord } from '../../../core/record.ts';
import type { Log } from '../../../runtime/log.ts';
import type { StageSpec } from '../../../runtime/topology.ts';
import { type LiveScore, readLiveScores } from '../live-scores.ts';

export interface FilterFlags {
  readonly key?: readonly string[];
  readonly attribute?: readonly string[];
  readonly creator?: readonly string[];
  readonly scoreBelow?: string;
  readonly bundleNot?: string;
}

export type RecordPredicate = (record: StreamRecord) => Promise<boolean>;

export function backfillFilter(flags: FilterFlags): BackfillFilter {
  const { key, attribute, creator, scoreBelow, bundleNot } = flags;
  return {
    ...(key === undefined ? {} : { keys: [...key].sort() }),
    ...(attribute === undefined ? {} : { attributes: Object.fromEntries(attribute.map(attributePair)) }),
    ...(creator === undefined ? {} : { creators: [...creator].sort() }),
    ...(scoreBelow === undefined ? {} : { scoreBelow: probability(scoreBelow) }),
    ...(bundleNot === undefined ? {} : { bundleNot }),
  };
}

/** `undefined` when there is no predicate: every record is wanted. */
export async function recordPredicate(
  filter: BackfillFilter,
  parts: { readonly log: Log; readonly serdes: Serdes; readonly stage: StageSpec },
): Promise<RecordPredicate | undefined> {
  const checks: RecordPredicate[] = [];
  const { keys, creators, attributes, scoreBelow, bundleNot } = filter;
  if (keys !== undefined) {
    const wanted = new Set(keys);
    checks.push(async (record) => wanted.has(keyOf(record)));
  }
  if (creators !== undefined || attributes !== undefined) checks.push(eventCheck(filter, parts));
  if (scoreBelow !== undefined || bundleNot !== undefined) checks.push(await scoreCheck(filter, parts));
  if (checks.length === 0) return undefined;
  return async (record) => {
    for (const check of checks) if (!(await check(record))) return false;
    return true;
  };
}

/** Creator and attributes stand in upload events only. A record that cannot be decoded has neither. */
function eventCheck(
  { creators, attributes = {} }: BackfillFilter,
  { serdes, stage }: { readonly serdes: Serdes; readonly stage: StageSpec },
): RecordPredicate {
  if (stage.steps[0] !== 'extract') {
    throw new FirstFiveError(
      'USAGE',
      `--creator and --attribute need upload events; ${stage.input} holds none`,
    );
  }
  const wantedCreators = creators === undefined ? undefined : new Set(creators);
  const wanted = Object.entries(attributes);
  return async ({ value }) => {
    if (value === null) return false;
    try {
      await serdes.uploadCreated.prepare(value);
      const event = serdes.uploadCreated.deserialize(value);
      if (wantedCreators !== undefined && !wantedCreators.has(event.creatorId ?? '')) return false;
      return wanted.every(([name, text]) => event.attributes[name] === text);
    } catch (thrown) {
      if (thrown instanceof FirstFiveError && thrown.kind !== 'systemic') return false;
      throw thrown;
    }
  };
}

async function scoreCheck(
  { scoreBelow, bundleNot }: BackfillFilter,
  { log, serdes, stage }: { readonly log: Log; readonly serdes: Serdes; readonly stage: StageSpec },
): Promise<RecordPredicate> {
  const ranking = stage.outputs.score;
  if (ranking === undefined)
    throw new FirstFiveError('USAGE', `stage ${stage.name} writes no scores to compare with`);
  const live = await readLiveScores(log, ranking, serdes);
  return async (record) => {
    const score = live.get(keyOf(record));
    return (
      (scoreBelow === undefined || (score !== undefined && score.ecr < scoreBelow)) &&
      (bundleNot === undefined || score === undefined || !isOfBundle(score, bundleNot))
    );
  };
}

function isOfBundle({ bundle }: LiveScore, reference: string): boolean {
  return bundle === reference || bundle.split('@', 1)[0] === reference;
}

function keyOf({ key }: StreamRecord): string {
  return key === null ? '' : new TextDecoder().decode(key);
}

function attributePair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new FirstFiveError('USAGE', `--attribute: ${JSON.stringify(text)} is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function probability(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 1) return value;
  throw new FirstFiveError(
    'USAGE',
    `--score-below: ${JSON.stringify(text)} is no number above 0 and at most 1`,
  );
}
