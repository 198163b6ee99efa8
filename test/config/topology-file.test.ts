import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTopologyFile, topologyFrom } from '../../src/config/topology-file.ts';
import { FirstFiveError } from '../../src/core/errors.ts';
import { topologyProblems } from '../../src/runtime/topology.ts';

const shipped = readFileSync(new URL('../../topologies/cold-start.yaml', import.meta.url), 'utf8');
const settings = { cores: 3, topicPrefix: '' };

const minimal = `name: small
bundle: starter
topics:
  in: { partitions: 2 }
  out: { partitions: 2, cleanup: compact, retention: forever }
  bad:
stages:
  - name: all
    steps: [extract, embed, score]
    input: in
    outputs: { score: out }
    deadLetters: bad
`;

function problem(text: string): string {
  try {
    topologyFrom(parseTopologyFile({ file: 't.yaml', text }), settings);
  } catch (error) {
    if (error instanceof FirstFiveError && error.code === 'TOPOLOGY_INVALID') return error.message;
    throw error;
  }
  return 'no problem';
}

describe('the topology that ships', () => {
  it('can run', () => {
    const topology = topologyFrom(parseTopologyFile({ file: 'cold-start.yaml', text: shipped }), settings);
    expect(topologyProblems(topology)).toEqual([]);
    expect(topology.stages[0]).toMatchObject({
      steps: ['extract', 'embed', 'score'],
      input: 'media.upload.created.v1',
      outputs: { embed: 'media.upload.embedded.v1', score: 'ranking.cold-start.v1' },
    });
    expect(topology.topics.find((topic) => topic.name === 'media.upload.created.v1')?.retentionMs).toBe(
      604_800_000,
    );
  });
});

describe('a topology file', () => {
  it('fills in what it leaves out', () => {
    const topology = topologyFrom(parseTopologyFile({ file: 't.yaml', text: minimal }), settings);
    expect(topology).toMatchObject({ name: 'small', delivery: 'exactly-once', decoders: 3 });
    expect(
      topology.topics.map(({ name, partitions, cleanup, retentionMs }) => [
        name,
        partitions,
        cleanup,
        retentionMs,
      ]),
    ).toEqual([
      ['in', 2, 'delete', 604_800_000],
      ['out', 2, 'compact', null],
      ['bad', 8, 'delete', 604_800_000],
    ]);
    expect(topology.stages[0]).toMatchObject({
      groupId: 'firstfive.small.all',
      intake: { concurrency: 6, maxInFlightBytes: 64 * 1_048_576 },
      commit: { intervalMs: 200 },
    });
  });

  it('names one retry topic for each delay, and gives what fails more room than its input', () => {
    const text =
      `${minimal}    retry: { topics: [30s, { delay: 5m, topic: later }] }\n    publish: ready\n`.replace(
        '  bad:\n',
        '  bad:\n  in.retry.30s: { partitions: 2 }\n  later: { partitions: 2, maxRecordBytes: 20MiB }\n  ready: { partitions: 2 }\n',
      );
    const topology = topologyFrom(parseTopologyFile({ file: 't.yaml', text }), {
      ...settings,
      topicPrefix: 'p.',
    });
    expect(topology.stages[0]).toMatchObject({
      retryTiers: [
        { topic: 'p.in.retry.30s', delayMs: 30_000 },
        { topic: 'p.later', delayMs: 300_000 },
      ],
      publish: 'p.ready',
    });
    const limits = Object.fromEntries(
      topology.topics.map(({ name, maxRecordBytes }) => [name, maxRecordBytes]),
    );
    expect(limits).toEqual({
      ...{ 'p.in': 8_388_608, 'p.out': 8_388_608, 'p.ready': 8_388_608 },
      ...{ 'p.bad': 8_650_752, 'p.in.retry.30s': 8_650_752, 'p.later': 20_971_520 },
    });
  });

  it('refuses retry topics whose delays get shorter', () => {
    expect(problem(`${minimal}    retry: { topics: [5m, 30s] }\n`)).toMatch(
      /delays of topics must not get shorter/,
    );
  });

  it('puts the prefix before every topic and every group', () => {
    const topology = topologyFrom(parseTopologyFile({ file: 't.yaml', text: minimal }), {
      ...settings,
      topicPrefix: 'p.',
    });
    expect(topology.topics.map((topic) => topic.name)).toEqual(['p.in', 'p.out', 'p.bad']);
    expect(topology.stages[0]).toMatchObject({
      groupId: 'p.firstfive.small.all',
      input: 'p.in',
      outputs: { score: 'p.out' },
      deadLetters: 'p.bad',
    });
  });

  it('gives way to a bundle that is asked for', () => {
    const topology = topologyFrom(parseTopologyFile({ file: 't.yaml', text: minimal }), {
      ...settings,
      bundle: 'other@2',
    });
    expect(topology.bundle).toBe('other@2');
  });

  it.each([
    [
      'a misspelt key',
      minimal.replace('{ partitions: 2 }', '{ partition: 2 }'),
      't.yaml:4:9: unknown key topics.in.partition',
    ],
    ['a missing key', minimal.replace('    input: in\n', ''), 't.yaml:8:5: missing key stages[0].input'],
    [
      'a duration without its unit',
      `${minimal}    commit: { interval: 200 }\n`,
      't.yaml:13:15: stages[0].commit.interval: must be a duration such as 200ms, 30s or 7d',
    ],
    [
      'a key given twice',
      minimal.replace('bundle: starter', 'name: again\nbundle: starter'),
      't.yaml:2:1: Map keys must be unique',
    ],
    [
      'a topic that is not declared',
      minimal.replace('input: in', 'input: nowhere'),
      'names topic nowhere, which is not declared',
    ],
    [
      'an unknown step',
      minimal.replace('extract, embed', 'extract, embedd'),
      't.yaml:9:22: stages[0].steps[1]: Invalid option',
    ],
    ['an unknown option', `${minimal}options: { lgo: x }\n`, 't.yaml:13:12: unknown key options.lgo'],
    [
      'a negative count',
      minimal.replace('{ partitions: 2 }', '{ partitions: -2 }'),
      't.yaml:4:9: topics.in.partitions',
    ],
    ['no YAML', 'a: [', 't.yaml:1:'],
    ['nothing at all', '', 't.yaml:1:1: Invalid input'],
    [
      'a deadline that makes every slow record a stuck stage',
      `${minimal}    watchdog: { attemptDeadline: 2m }\n`,
      'commitDeadline is shorter than attemptDeadline',
    ],
  ])('names the place of %s', (_what, text, expected) => {
    expect(problem(text)).toContain(expected);
  });

  it('names all problems at once', () => {
    const text = minimal.replace('bundle: starter', 'bundel: starter').replace('input: in', 'inputs: in');
    expect(problem(text).split('; ')).toHaveLength(4);
  });
});
