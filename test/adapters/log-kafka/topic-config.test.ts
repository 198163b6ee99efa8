import { describe, expect, it } from 'vitest';
import { specOf, topicConfigEntries, topicDrift } from '../../../src/adapters/log-kafka/topic-config.ts';
import type { TopicSpec } from '../../../src/runtime/log.ts';

const SPECS: readonly TopicSpec[] = [
  { name: 'uploads', partitions: 6, cleanup: 'delete', retentionMs: 86_400_000, maxRecordBytes: 1_000_000 },
  { name: 'uploads.kept', partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 9_000_000 },
  { name: 'scores', partitions: 6, cleanup: 'compact', retentionMs: 3_600_000, maxRecordBytes: 8_388_608 },
];
const configOf = (spec: TopicSpec) =>
  new Map(topicConfigEntries(spec).map(({ name, value }) => [name, value]));
const found = (spec: TopicSpec) => ({ ...specOf(spec.name, spec.partitions, configOf(spec)), offsets: [] });

describe('the configuration of a topic', () => {
  it.each(SPECS)('says to Kafka what the topology says of $name, and reads it back', (spec) => {
    expect(specOf(spec.name, spec.partitions, configOf(spec))).toEqual(spec);
    expect(topicDrift(spec, found(spec))).toEqual([]);
  });

  it('leaves room above the largest record for the batch that it comes in', () => {
    const spec: TopicSpec = { name: 'letters', partitions: 1, cleanup: 'delete', retentionMs: null };
    const limit = (more: Partial<TopicSpec>) =>
      Number(configOf({ ...spec, ...more }).get('max.message.bytes'));
    expect(limit({ maxRecordBytes: 1_000 })).toBeGreaterThan(1_000);
    expect(limit({})).toBeGreaterThan(8 * 1024 * 1024);
  });

  it('reports a topic that takes smaller records than it has to, and none that takes larger ones', () => {
    const [spec] = SPECS;
    if (spec === undefined) throw new Error('no spec');
    expect(topicDrift({ ...spec, maxRecordBytes: 2_000_000 }, found(spec))).toEqual([
      { topic: 'uploads', property: 'maxRecordBytes', wanted: '2000000', found: '1000000' },
    ]);
    expect(topicDrift({ ...spec, maxRecordBytes: 500 }, found(spec))).toEqual([]);
  });

  it('reports where an existing topic differs', () => {
    const [spec] = SPECS;
    if (spec === undefined) throw new Error('no spec');
    expect(topicDrift({ ...spec, partitions: 12 }, found(spec))).toEqual([
      { topic: 'uploads', property: 'partitions', wanted: '12', found: '6' },
    ]);
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
