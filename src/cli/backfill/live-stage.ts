/** The stage that a backfill repeats, out of the topology in use. */

import type { BackfillPlan } from '../../core/backfill-plan.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { TopicSpec } from '../../runtime/log.ts';
import type { StageSpec, Topology } from '../../runtime/topology.ts';

/** A backfill runs a topology of one stage: its range has one beginning and one end. */
export function onlyStage(topology: Topology): StageSpec {
  const [stage, ...others] = topology.stages;
  if (stage !== undefined && others.length === 0) return stage;
  throw new FirstFiveError(
    'TOPOLOGY_INVALID',
    `topology ${topology.name} has ${topology.stages.length} stages; a backfill runs one of a single stage, such as ` +
      '--topology backfill (all steps in one process) or --topology rescore (features to scores)',
  );
}

/** The stage of the plan; `CONFIG_INVALID` when the topology in use is not the one that was planned for. */
export function plannedStage(topology: Topology, plan: BackfillPlan): StageSpec {
  const stage = onlyStage(topology);
  const isSame =
    topology.name === plan.topology &&
    stage.input === plan.input &&
    stage.groupId === plan.groupId &&
    stage.steps.join() === plan.steps.join();
  if (isSame) return stage;
  throw new FirstFiveError(
    'CONFIG_INVALID',
    `run ${plan.run} was planned for topology ${plan.topology} on ${plan.input}, and this is ${topology.name} on ` +
      `${stage.input}: give the same --topology and --topic-prefix as to \`backfill plan\``,
  );
}

/** The topics that the run writes, each like the live one that it stands for, and none of them compacted: every row stays. */
export function runTopics(topology: Topology, stage: StageSpec, plan: BackfillPlan): readonly TopicSpec[] {
  const like = (live: string, name: string): TopicSpec => {
    const spec = topology.topics.find((topic) => topic.name === live);
    if (spec === undefined) throw new FirstFiveError('TOPOLOGY_INVALID', `topic ${live} is not declared`);
    return { ...spec, name, cleanup: 'delete' };
  };
  const outputs = Object.entries(plan.outputs).map(([step, name]) =>
    like(plan.liveOutputs[step] ?? '', name),
  );
  return [...outputs, like(stage.deadLetters, plan.deadLetters)];
}
