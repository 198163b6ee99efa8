/** Topologies that the tests of the driver run: fused, and a stage for each step. */
import type { StageSpec, Topology } from '../../src/runtime/topology.ts';

export const INPUT = 'uploads';
export const EXTRACTED = 'extracted';
export const FEATURES = 'features';
export const RANKING = 'ranking';
export const LETTERS = 'letters';

const topic = (name: string, partitions = 4) => ({
  name,
  partitions,
  cleanup: 'delete' as const,
  retentionMs: null,
});

const policies = {
  deadLetters: LETTERS,
  intake: { concurrency: 4, maxInFlight: 24, maxInFlightBytes: 1_000_000 },
  commit: { intervalMs: 200, maxRecords: 16 },
  retry: { maxAttempts: 3, initialBackoffMs: 100, maxBackoffMs: 1_000 },
  watchdog: { attemptDeadlineMs: 30_000, commitDeadlineMs: 60_000 },
} satisfies Partial<StageSpec>;

const common = { bundle: 'none', delivery: 'exactly-once', decoders: 1, inference: {} } as const;

export const fused: Topology = {
  ...common,
  name: 'fused',
  topics: [topic(INPUT), topic(FEATURES), topic(RANKING), topic(LETTERS)],
  stages: [
    {
      ...policies,
      name: 'all',
      groupId: 'group.all',
      steps: ['extract', 'embed', 'score'],
      input: INPUT,
      outputs: { embed: FEATURES, score: RANKING },
    },
  ],
};

export const staged: Topology = {
  ...common,
  name: 'staged',
  topics: [topic(INPUT), topic(EXTRACTED, 3), topic(FEATURES), topic(RANKING), topic(LETTERS)],
  stages: [
    {
      ...policies,
      name: 'extract',
      groupId: 'group.extract',
      steps: ['extract'],
      input: INPUT,
      outputs: { extract: EXTRACTED },
    },
    {
      ...policies,
      name: 'embed',
      groupId: 'group.embed',
      steps: ['embed'],
      input: EXTRACTED,
      outputs: { embed: FEATURES },
    },
    {
      ...policies,
      name: 'score',
      groupId: 'group.score',
      steps: ['score'],
      input: FEATURES,
      outputs: { score: RANKING },
    },
  ],
};

const tiers = [
  { topic: 'uploads.retry.10s', delayMs: 10_000 },
  { topic: 'uploads.retry.40s', delayMs: 40_000 },
];

/** As `fused`, with retry topics. */
export const retrying: Topology = {
  ...fused,
  name: 'retrying',
  topics: [...fused.topics, ...tiers.map((tier) => topic(tier.topic))],
  stages: fused.stages.map((stage) => ({ ...stage, retryTiers: tiers })),
};

const extractTiers = [{ topic: 'uploads.retry.5s', delayMs: 5_000 }];

/** As `staged`, with a retry topic for the stage that reads media. */
export const stagedRetrying: Topology = {
  ...staged,
  name: 'staged and retrying',
  topics: [
    ...staged.topics.map((spec) => (spec.name === EXTRACTED ? { ...spec, partitions: 4 } : spec)),
    topic('uploads.retry.5s'),
  ],
  stages: staged.stages.map((stage) =>
    stage.name === 'extract' ? { ...stage, retryTiers: extractTiers } : stage,
  ),
};
