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
