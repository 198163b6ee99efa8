/**
 * A topology file (YAML) as a `Topology`: defaults filled, topic prefix applied, checked as a whole.
 *
 * F1. The prefix goes before every topic and every group, so that two pipelines on one cluster share neither.
 * F2. `decoders` and `concurrency` left out follow the number of cores; inference follows the execution provider too.
 */
import { DEFAULT_MAX_RECORD_BYTES } from '../runtime/log.ts';
import type { RetryTier } from '../runtime/side-inputs.ts';
import { requireRunnable, type StageSpec, type Topology } from '../runtime/topology.ts';
import { formatDuration } from './quantities.ts';
import { type TopologyFile, topologySchema } from './topology-schema.ts';
import { parseYaml, type YamlSource } from './yaml-document.ts';

const DEFAULT_PROVENANCE_BYTES = 256 * 1024;

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
      maxRecordBytes: topic.maxRecordBytes ?? defaultRecordBytes(file, name),
    })),
    stages: file.stages.map((stage) => stageFrom(file, stage, settings.cores, prefixed)),
    decoders: file.decoders ?? settings.cores,
    extractionCache: file.extractionCache ?? extractsApart(file),
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

/** Extraction as a stage of its own writes its frames to the store anyway: finding them again costs one small object more. */
function extractsApart(file: TopologyFile): boolean {
  return file.stages.some(({ steps }) => steps.includes('extract') && !steps.includes('embed'));
}

/** Dead letters and retries are the records of an input with more headers. */
function defaultRecordBytes(file: TopologyFile, topic: string): number {
  const inputs = file.stages
    .filter(
      (stage) => stage.deadLetters === topic || retryTiersOf(stage).some((tier) => tier.topic === topic),
    )
    .flatMap((stage) => [stage.input, ...(stage.publish === undefined ? [] : [stage.publish])]);
  const largest = inputs.map((input) => file.topics[input]?.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES);
  return inputs.length === 0 ? DEFAULT_MAX_RECORD_BYTES : Math.max(...largest) + DEFAULT_PROVENANCE_BYTES;
}

function retryTiersOf({ input, retry }: TopologyFile['stages'][number]): readonly RetryTier[] {
  return retry.topics.map(({ delay, topic }) => ({
    topic: topic ?? `${input}.retry.${formatDuration(delay)}`,
    delayMs: delay,
  }));
}

function stageFrom(
  file: TopologyFile,
  stage: TopologyFile['stages'][number],
  cores: number,
  prefixed: (name: string) => string,
): StageSpec {
  const { intake, commit, retry, watchdog } = stage;
  const tiers = retryTiersOf(stage).map(({ topic, delayMs }) => ({ topic: prefixed(topic), delayMs }));
  return {
    name: stage.name,
    steps: stage.steps,
    groupId: prefixed(stage.group ?? `firstfive.${file.name}.${stage.name}`),
    input: prefixed(stage.input),
    outputs: Object.fromEntries(
      Object.entries(stage.outputs).map(([step, topic]) => [step, prefixed(topic)]),
    ),
    deadLetters: prefixed(stage.deadLetters),
    ...(tiers.length === 0 ? {} : { retryTiers: tiers }),
    ...(stage.publish === undefined ? {} : { publish: prefixed(stage.publish) }),
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
