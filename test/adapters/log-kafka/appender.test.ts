import { describe, expect, it } from 'vitest';
import { KafkaAppender } from '../../../src/adapters/log-kafka/appender.ts';
import type { ClientConfig, Done, KafkaClient } from '../../../src/adapters/log-kafka/client.ts';
import { CODE } from '../../../src/adapters/log-kafka/client-errors.ts';
import { resolveKafkaOptions } from '../../../src/adapters/log-kafka/options.ts';
import type { TopicCatalog } from '../../../src/adapters/log-kafka/topic-catalog.ts';
import { clientError, FakeProducer, type Script } from '../../support/kafka/fake-client.ts';

const record = { topic: 'in', timestamp: 1, key: null, value: new Uint8Array([1]), headers: [] };

interface Made {
  readonly id: unknown;
  readonly producer: FakeProducer;
}

/** One script for each producer that is made. Delivered records land at offset 5. */
function make(scripts: readonly Script[]) {
  const made: Made[] = [];
  function Producer(config: ClientConfig) {
    const producer = new FakeProducer(scripts[made.length]);
    made.push({ id: config['transactional.id'], producer });
    return Object.assign(producer.client, {
      connect: (_options: unknown, done: Done) => setImmediate(() => done(null, undefined)),
      disconnect: (done: Done) => setImmediate(() => done(null, undefined)),
      isConnected: () => true,
      setPollInterval: () => {},
      produce: (topic: string, partition: number | null, ...rest: unknown[]) => {
        producer.produced.push(rest[0]);
        const report = { topic, partition: partition ?? 0, offset: 5, opaque: rest[3] };
        setImmediate(() => producer.emitReport(report));
      },
    });
  }
  const catalog = { require: async () => {}, partitionsOf: async () => 3 } as unknown as TopicCatalog;
  const connection = { brokers: ['b:1'], clientId: 'tests' };
  const appender = new KafkaAppender(
    { Producer } as unknown as KafkaClient,
    resolveKafkaOptions({ connection, clientDir: '' }),
    catalog,
  );
  return { appender, made };
}

describe('appending to Kafka', () => {
  it('says where records landed, with one producer for all calls', async () => {
    const { appender, made } = make([{}]);
    expect(await appender.append([record])).toEqual([{ topic: 'in', partition: 0, offset: 5n }]);
    await appender.append([record]);
    expect(made.map(({ producer }) => producer.calls.filter((name) => name !== 'poll'))).toEqual([
      ['init', 'begin', 'commit', 'begin', 'commit'],
    ]);
  });

  it('goes on after its producer was fenced: with the same id, and what it left open ended first', async () => {
    const fenced = clientError(CODE.FENCED_LOCALLY, { isFatal: true });
    const { appender, made } = make([{ commit: [fenced] }, {}]);
    await expect(appender.append([record])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    expect(await appender.append([record])).toHaveLength(1);
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const [, second] = made.map(({ producer }) => producer);
    expect(second?.calls.filter((name) => name !== 'poll')).toEqual([
      ...['init', 'begin', 'flush', 'abort'],
      ...['begin', 'commit'],
    ]);
    expect(second?.produced).toHaveLength(3 + 1);
  });

  it('tries again what was only aborted', async () => {
    const { appender, made } = make([{ commit: [clientError(27, { isTxnRequiresAbort: true })] }]);
    await expect(appender.append([record])).rejects.toMatchObject({ code: 'LOG_ABORTED' });
    expect(await appender.append([record])).toHaveLength(1);
    expect(made).toHaveLength(1);
    expect(made[0]?.producer.calls.filter((name) => name !== 'poll')).toEqual([
      ...['init', 'begin', 'commit', 'abort'],
      ...['begin', 'flush', 'abort'],
      ...['begin', 'commit'],
    ]);
  });
});
