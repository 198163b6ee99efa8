import { describe, expect, it } from 'vitest';
import { requireRunnable, type Topology, topologyProblems } from '../../src/runtime/topology.ts';
import { INPUT, LETTERS, OUTPUT, stageSpec } from './fixtures.ts';

const topic = (name: string, partitions = 4) => ({
  name,
  partitions,
  cleanup: 'delete' as const,
  retentionMs: null,
});

function topology(changes: Partial<Topology> = {}): Topology {
  return {
    name: 'test',
    bundle: 'starter',
    delivery: 'exactly-once',
    topics: [topic(INPUT), topic(OUTPUT), topic(LETTERS)],
    stages: [stageSpec()],
    decoders: 1,
    inference: {},
    ...changes,
  };
}

const TOPICS = [topic(INPUT), topic(OUTPUT), topic(LETTERS)];
const TIER = { retryTiers: [{ topic: 'later', delayMs: 1_000 }] };

describe('topologyProblems', () => {
  it('finds nothing wrong with a stage whose topics are declared', () => {
    expect(topologyProblems(topology())).toEqual([]);
  });

  it.each<[string, Partial<Topology>, RegExp]>([
    [
      'a topic nobody declared',
      { topics: [topic(INPUT), topic(LETTERS)] },
      /names topic scores, which is not declared/,
    ],
    ['no stage at all', { stages: [] }, /there is no stage/],
    [
      'steps out of order',
      { stages: [stageSpec({ steps: ['embed', 'extract'] })] },
      /in the order extract, embed, score/,
    ],
    [
      'a last step without an output',
      { stages: [stageSpec({ outputs: {} })] },
      /no output for its last step/,
    ],
    [
      'an output of a step it does not run',
      { stages: [stageSpec({ outputs: { score: OUTPUT, embed: OUTPUT } })] },
      /does not run/,
    ],
    [
      'a ranking topic with other partitions',
      { topics: [topic(INPUT), topic(OUTPUT, 2), topic(LETTERS)] },
      /same number of partitions/,
    ],
    ['two stages in one group', { stages: [stageSpec(), stageSpec({ name: 'other' })] }, /share the group/],
    [
      'a cycle',
      {
        stages: [
          stageSpec(),
          stageSpec({ name: 'back', groupId: 'g2', input: OUTPUT, outputs: { score: INPUT } }),
        ],
      },
      /cycle/,
    ],
    [
      'a retry topic nobody declared',
      { stages: [stageSpec(TIER)] },
      /names topic later, which is not declared/,
    ],
    [
      'a retry topic with other partitions',
      { topics: [...TOPICS, topic('later', 2)], stages: [stageSpec(TIER)] },
      /later and uploads must have the same number of partitions \(S1\)/,
    ],
    [
      'a retry topic that is compacted',
      { topics: [...TOPICS, { ...topic('later'), cleanup: 'compact' }], stages: [stageSpec(TIER)] },
      /must not be compacted/,
    ],
    [
      'a retry topic that forgets before its records are due',
      { topics: [...TOPICS, { ...topic('later'), retentionMs: 1_500 }], stages: [stageSpec(TIER)] },
      /less than twice the delay/,
    ],
    [
      'a side input of two stages',
      {
        topics: [...TOPICS, topic('later')],
        stages: [stageSpec(TIER), stageSpec({ ...TIER, name: 'b', groupId: 'b' })],
      },
      /later is a side input, and may be named once/,
    ],
    [
      'ready-made scores for a stage that writes none',
      {
        topics: [...TOPICS, topic('ready')],
        stages: [stageSpec({ steps: ['embed'], outputs: { embed: OUTPUT }, publish: 'ready' })],
      },
      /takes ready-made scores from ready, but writes none/,
    ],
    [
      'a last output with other partitions than the input, where retries may come back late',
      {
        topics: [topic(INPUT), topic(OUTPUT, 2), topic(LETTERS), topic('later')],
        stages: [stageSpec({ ...TIER, steps: ['embed'], outputs: { embed: OUTPUT } })],
      },
      /same number of partitions \(T2\)/,
    ],
    [
      'dead letters that cannot take the largest input',
      {
        topics: [
          { ...topic(INPUT), maxRecordBytes: 1_000_000 },
          topic(OUTPUT),
          { ...topic(LETTERS), maxRecordBytes: 1_000_000 },
        ],
      },
      /dead-letters must take records of 1016384 bytes/,
    ],
    [
      'a topic declared twice',
      { topics: [topic(INPUT), topic(INPUT), topic(OUTPUT), topic(LETTERS)] },
      /declared twice/,
    ],
  ])('refuses %s', (_, changes, message) => {
    const wrong = topology(changes);
    expect(topologyProblems(wrong).join('; ')).toMatch(message);
    expect(() => requireRunnable(wrong)).toThrow(expect.objectContaining({ code: 'TOPOLOGY_INVALID' }));
  });
});
