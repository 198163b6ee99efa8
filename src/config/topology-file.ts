/**
 * A topology file (YAML) as a `Topology`: defaults filled, topic prefix applied, checked as a whole.
 *
 * F1. The prefix goes before every topic and every group, so that two pipelines on one cluster share neither.
 * F2. `decoders` and `concurrency` left out follow the number of cores; inference follows the execution provider too.
 */
import { requireRunnable, type StageSpec, type Topology } from '../runtime/topology.ts';
import { type TopologyFile, topologySchema } from './topology-schema.ts';
import { parseYaml, type YamlSource } from './yaml-document.ts';

export interface TopologySettings {
  readonly cores: number;
  readonly topicPrefix: string;
  /** Replaces the file's bundle. */
  readonly bundle?: string;
}

/** The file as written: every problem is `TOPOLOGY_INVALID` with file, line and column. */
export function parseTopologyFile(source: YamlSource): TopologyFile {
  return parseYaml(source, topologySchema, 'TOPOLOGY_INVALID');
}

/** The value that runs. Fails with `TOPOLOGY_INVALID` when its parts do not fit together. */
export function topologyFrom(file: TopologyFile, settings: TopologySettings): Topology {
  const prefixed = (name: string) => `${settings.topicPrefix}${name}`;
  const topology: Topology = {
    name: file.name,
    bundle: settings.bundle ?? file.bundle,
    delivery: file.delivery,
    topics: Object.entries(file.topics).map(([name, topic]) => ({
      name: prefixed(name),
      partitions: topic.partitions,
      cleanup: topic.cleanup,
      retentionMs: topic.retention,
    })),
    stages: file.stages.map((stage) => stageFrom(file, stage, settings.cores, prefixed)),
    decoders: file.decoders ?? settings.cores,
    inference: {
      workers: file.inference.workers,
      intraOpThreads: file.inference.intraOpThreads,
      maxRows: file.inference.batch.maxRows,
      maxDelayMs: file.inference.batch.maxDelay,
    },
  };
  requireRunnable(topology);
  return topology;
}

function stageFrom(
  file: TopologyFile,
  stage: TopologyFile['stages'][number],
  cores: number,
  prefixed: (name: string) => string,
): StageSpec {
  const { intake, commit, retry, watchdog } = stage;
  return {
    name: stage.name,
    steps: stage.steps,
    groupId: prefixed(stage.group ?? `firstfive.${file.name}.${stage.name}`),
    input: prefixed(stage.input),
    outputs: Object.fromEntries(
      Object.entries(stage.outputs).map(([step, topic]) => [step, prefixed(topic)]),
    ),
    deadLetters: prefixed(stage.deadLetters),
    intake: {
      // Twice the decoders: one upload is embedded while the next one decodes.
      concurrency: intake.concurrency ?? 2 * (file.decoders ?? cores),
      maxInFlight: intake.maxInFlight,
      maxInFlightBytes: intake.maxInFlightBytes,
    },
    commit: { intervalMs: commit.interval, maxRecords: commit.maxRecords },
    retry: {
      maxAttempts: retry.maxAttempts,
      initialBackoffMs: retry.initialBackoff,
      maxBackoffMs: retry.maxBackoff,
    },
    watchdog: {
      attemptDeadlineMs: watchdog.attemptDeadline,
      commitDeadlineMs: watchdog.commitDeadline,
    },
  };
}
