/** A topology as text: each stage a box with its input above and its outputs below. */
import { formatBytes, formatDuration } from '../../config/quantities.ts';
import type { TopicSpec } from '../../runtime/log.ts';
import { inputTopics, sideInputs } from '../../runtime/side-inputs.ts';
import type { InferencePolicy, StageSpec, Topology } from '../../runtime/topology.ts';
import { padEnd, textWidth } from './text-width.ts';

/** Lines without colours, readable in a log file as on a terminal. */
export function drawTopology(topology: Topology): readonly string[] {
  const topics = new Map(topology.topics.map((topic) => [topic.name, topic]));
  return [
    `topology ${topology.name}: bundle ${topology.bundle}, ${topology.delivery}`,
    `decoders ${topology.decoders}, inference ${inferenceText(topology.inference)}`,
    ...topology.stages.flatMap((stage) => ['', ...drawStage(stage, topics)]),
    ...unusedTopics(topology),
  ];
}

interface ClusterReport {
  readonly missing: readonly string[];
  readonly drift: readonly {
    readonly topic: string;
    readonly property: string;
    readonly wanted: string;
    readonly found: string;
  }[];
}

/** How the topics of a cluster differ from the drawing above. */
export function drawReport({ missing, drift }: ClusterReport): readonly string[] {
  if (missing.length === 0 && drift.length === 0) return ['the cluster has these topics as they are drawn'];
  return [
    ...missing.map((topic) => `not on the cluster yet: ${topic}`),
    ...drift.map(
      ({ topic, property, wanted, found }) => `drift: ${topic}: ${property} is ${found}, wanted ${wanted}`,
    ),
  ];
}

/** What is not stated follows the execution provider and the machine. */
function inferenceText({ workers, intraOpThreads, maxRows, maxDelayMs }: InferencePolicy): string {
  const parts = [`workers ${workers ?? 'auto'} x ${intraOpThreads ?? 1} thread`];
  if (maxRows !== undefined) parts.push(`batches of ${maxRows} rows`);
  if (maxDelayMs !== undefined) parts.push(`joined for up to ${formatDuration(maxDelayMs)}`);
  return parts.join(', ');
}

function drawStage(stage: StageSpec, topics: ReadonlyMap<string, TopicSpec>): readonly string[] {
  const outputs = stage.steps.flatMap((step) => {
    const topic = stage.outputs[step];
    return topic === undefined ? [] : [{ from: step as string, topic }];
  });
  const later = (stage.retryTiers ?? []).map(({ topic }) => ({ from: 'later', topic }));
  const arrows = [...outputs, ...later, { from: 'failed', topic: stage.deadLetters }];
  const width = Math.max(...arrows.map(({ from }) => from.length));
  return [
    `  ${topicText(stage.input, topics)}`,
    ...sideInputs(stage).map((topic) => `  + ${topicText(topic, topics)}`),
    '    │',
    '    ▼',
    ...box(stageFacts(stage)).map((line) => `  ${line}`),
    ...arrows.map(
      ({ from, topic }, i) =>
        `    ${i === arrows.length - 1 ? '└' : '├'}─ ${padEnd(from, width)} ─► ${topicText(topic, topics)}`,
    ),
  ];
}

function stageFacts(stage: StageSpec): readonly string[] {
  const { intake, commit, retry, watchdog } = stage;
  return [
    `${stage.name}: ${stage.steps.join(' → ')}`,
    `group     ${stage.groupId}`,
    `intake    ${intake.concurrency} at once, ${intake.maxInFlight} or ${formatBytes(intake.maxInFlightBytes)} in flight`,
    `commit    every ${formatDuration(commit.intervalMs)} or ${commit.maxRecords} records`,
    `retry     ${retry.maxAttempts} attempts, ${formatDuration(retry.initialBackoffMs)} to ${formatDuration(retry.maxBackoffMs)} apart${laterText(stage)}`,
    `watchdog  ${formatDuration(watchdog.attemptDeadlineMs)} an attempt, ${formatDuration(watchdog.commitDeadlineMs)} without a commit`,
  ];
}

function laterText({ retryTiers = [] }: StageSpec): string {
  if (retryTiers.length === 0) return '';
  return `, then after ${retryTiers.map(({ delayMs }) => formatDuration(delayMs)).join(', ')}`;
}

function box(lines: readonly string[]): readonly string[] {
  const width = Math.max(...lines.map(textWidth));
  const rule = '─'.repeat(width + 2);
  return [`┌${rule}┐`, ...lines.map((line) => `│ ${padEnd(line, width)} │`), `└${rule}┘`];
}

function topicText(name: string, topics: ReadonlyMap<string, TopicSpec>): string {
  const topic = topics.get(name);
  if (topic === undefined) return name;
  const kept = topic.retentionMs === null ? 'for ever' : formatDuration(topic.retentionMs);
  const cleanup = topic.cleanup === 'compact' ? `compacted, tombstones kept ${kept}` : `kept ${kept}`;
  return `${name}  (${topic.partitions} partitions, ${cleanup})`;
}

function unusedTopics(topology: Topology): readonly string[] {
  const used = new Set(
    topology.stages.flatMap((stage) => [
      ...inputTopics(stage),
      stage.deadLetters,
      ...Object.values(stage.outputs),
    ]),
  );
  const unused = topology.topics.filter((topic) => !used.has(topic.name)).map((topic) => topic.name);
  return unused.length === 0 ? [] : ['', `declared and not used by a stage: ${unused.join(', ')}`];
}
