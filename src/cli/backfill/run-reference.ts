/** A run as it is named on the command line. */
import type { BackfillPlan } from '../../core/backfill-plan.ts';
import type { BackfillState } from '../../core/backfill-state.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { ControlStates } from '../../runtime/backfill/control-topic.ts';

export interface PlannedState extends BackfillState {
  readonly plan: BackfillPlan;
}

/** `USAGE` for a run that the control topic does not know. */
export function knownRun(states: ControlStates, run: string): PlannedState {
  const state = states.get(run);
  if (state?.plan !== undefined) return { ...state, plan: state.plan };
  const known = [...states.keys()];
  throw new FirstFiveError(
    'USAGE',
    `there is no run ${JSON.stringify(run)} on this log${known.length === 0 ? '' : `; it has ${known.join(', ')}`}`,
  );
}
