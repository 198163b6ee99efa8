/** The live stage and its handler, as a run works them. */
import { type BackfillPlan, backfillGroup } from '../../core/backfill-plan.ts';
import type { StreamRecord } from '../../core/record.ts';
import type { HandlerResult, RecordHandler } from '../handler.ts';
import type { StageSpec } from '../topology.ts';

/** The stage as the run works it: own group, own topics, no side inputs, retries in place only. */
export function backfillStage(stage: StageSpec, plan: BackfillPlan): StageSpec {
  const { retryTiers: _tiers, publish: _publish, ...rest } = stage;
  const { outputs, deadLetters } = plan;
  return { ...rest, groupId: backfillGroup(plan), outputs, deadLetters };
}

/** Records outside the selection leave no output; their offsets move on like those of any other. */
export function selecting(
  handler: RecordHandler,
  isSelected: (record: StreamRecord) => boolean,
): RecordHandler {
  const nothing: HandlerResult = { outputs: [] };
  return {
    handle: (record, context) =>
      isSelected(record) ? handler.handle(record, context) : Promise.resolve(nothing),
    rejected: (record, error, lane) => handler.rejected(record, error, lane),
  };
}
