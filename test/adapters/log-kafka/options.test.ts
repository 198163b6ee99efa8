import { describe, expect, it } from 'vitest';
import { memberConfig, resolveKafkaOptions } from '../../../src/adapters/log-kafka/options.ts';

const options = (groupProtocol: 'classic' | 'consumer') =>
  resolveKafkaOptions({
    connection: { brokers: ['localhost:1'], clientId: 'test' },
    clientDir: '/nowhere',
    groupProtocol,
  });

describe('the configuration of a member', () => {
  it('keeps partitions of the same number together in a group of several topics', () => {
    const topics = ['in', 'in.retry.30s'];
    expect(memberConfig(options('classic'), 'g', '0', topics)).toMatchObject({
      'partition.assignment.strategy': 'range',
      'group.instance.id': 'g.0',
    });
    expect(memberConfig(options('consumer'), 'g', '0', topics)).toMatchObject({
      'group.protocol': 'consumer',
      'group.remote.assignor': 'range',
    });
  });

  it('moves as few partitions as it can in a group of one topic', () => {
    expect(memberConfig(options('classic'), 'g', '0', ['in'])).toMatchObject({
      'partition.assignment.strategy': 'cooperative-sticky',
    });
    expect(memberConfig(options('consumer'), 'g', '0', ['in'])).not.toHaveProperty('group.remote.assignor');
  });
});
