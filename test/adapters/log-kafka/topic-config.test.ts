import { describe, expect, it } from 'vitest';
import { specOf, topicConfigEntries, topicDrift } from '../../../src/adapters/log-kafka/topic-config.ts';
import type { TopicSpec } from '../../../src/runtime/log.ts';

const SPECS: readonly TopicSpec[] = [
  { name: 'uploads', partitions: 6, cleanup: 'delete', retentionMs: 86_400_000 },
  { name: 'uploads.kept', partitions: 1, cleanup: 'delete', retentionMs: null },
  { name: 'scores', partitions: 6, cleanup: 'compact', retentionMs: 3_600_000 },
];
const configOf = (spec: TopicSpec) =>
  new Map(topicConfigEntries(spec).map(({ name, value }) => [name, value]));
const found = (spec: TopicSpec) => ({ ...specOf(spec.name, spec.partitions, configOf(spec)), offsets: [] });

describe('the configuration of a topic', () => {
  it.each(SPECS)('says to Kafka what the topology says of $name, and reads it back', (spec) => {
    expect(specOf(spec.name, spec.partitions, configOf(spec))).toEqual(spec);
    expect(topicDrift(spec, found(spec))).toEqual([]);
  });

  it('takes larger records on a dead-letter topic than on any other', () => {
    const limit = (name: string) =>
      Number(
        configOf({ name, partitions: 1, cleanup: 'delete', retentionMs: null }).get('max.message.bytes'),
      );
    expect(limit('media.upload.dead-letter.v1')).toBeGreaterThan(limit('media.upload.created.v1'));
  });

  it('reports where an existing topic differs', () => {
    const [spec] = SPECS;
    if (spec === undefined) throw new Error('no spec');
    expect(topicDrift({ ...spec, cleanup: 'compact', retentionMs: 5 }, found(spec))).toEqual([
      { topic: 'uploads', property: 'cleanup', wanted: 'compact', found: 'delete' },
      { topic: 'uploads', property: 'retentionMs', wanted: '5', found: '86400000' },
    ]);
  });

  it('leaves the retention of tombstones to the broker where the topology says nothing', () => {
    const spec: TopicSpec = { name: 'scores', partitions: 1, cleanup: 'compact', retentionMs: null };
    const described = { ...spec, retentionMs: 86_400_000, offsets: [] };
    expect(topicDrift(spec, described)).toEqual([]);
  });
});
