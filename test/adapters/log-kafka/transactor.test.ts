import { describe, expect, it } from 'vitest';
import { CODE } from '../../../src/adapters/log-kafka/client-errors.ts';
import { type TransactionWork, Transactor } from '../../../src/adapters/log-kafka/transactor.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { clientError, FakeConsumer, FakeProducer, type Script } from '../../support/kafka/fake-client.ts';

const RETRIABLE = () => clientError(CODE.TIMED_OUT, { isRetriable: true });
const ABORTABLE = () => clientError(27, { isTxnRequiresAbort: true });
const UNFLAGGED = () => clientError(25);
const FENCED = () => clientError(CODE.PRODUCER_FENCED, { isFatal: true });

const output = { topic: 'out', timestamp: 1, key: null, value: new Uint8Array([1]), headers: [] };

function attempt(script: Script, more: Partial<TransactionWork> = {}) {
  const producer = new FakeProducer(script);
  const consumer = new FakeConsumer();
  const transactor = new Transactor({
    producer: producer.client,
    name: 'group.0',
    transactionTimeoutMs: 1_000,
  });
  const work: TransactionWork = {
    outputs: [output],
    offsets: [{ topic: 'in', partition: 0, offset: 7n }],
    consumer: consumer.client,
    ...more,
  };
  const outcome = () =>
    transactor.transact(work).then(
      () => 'committed',
      (thrown: unknown) => (thrown instanceof FirstFiveError ? thrown.code : String(thrown)),
    );
  return { producer, consumer, transactor, outcome };
}

describe('a transaction', () => {
  it('produces, sends the offsets and commits, in this order', async () => {
    const { producer, outcome } = attempt({});
    expect(await outcome()).toBe('committed');
    expect(producer.calls).toEqual(['begin', 'offsets', 'commit']);
    expect(producer.produced).toHaveLength(1);
  });

  it('calls again what failed for the moment', async () => {
    const { producer, outcome } = attempt({ offsets: [RETRIABLE()], commit: [RETRIABLE(), RETRIABLE()] });
    expect(await outcome()).toBe('committed');
    expect(producer.calls).toEqual(['begin', 'offsets', 'offsets', 'commit', 'commit', 'commit']);
  });

  it.each(['offsets', 'commit'])('is aborted where %s asks for it, and can be tried again', async (step) => {
    const { producer, outcome } = attempt({ [step]: [ABORTABLE()] });
    expect(await outcome()).toBe('LOG_ABORTED');
    expect(producer.calls.at(-1)).toBe('abort');
    expect(await outcome()).toBe('committed');
  });

  it('is aborted after an error without any flag, as of a member that the group has forgotten', async () => {
    const { producer, outcome } = attempt({ offsets: [UNFLAGGED()], abort: [RETRIABLE()] });
    expect(await outcome()).toBe('LOG_ABORTED');
    expect(producer.calls).toEqual(['begin', 'offsets', 'abort', 'abort']);
  });

  it.each(['begin', 'offsets', 'commit'])(
    'ends the producer where %s finds it fenced, naming the slot',
    async (step) => {
      const { producer, transactor, outcome } = attempt({ [step]: [FENCED()] });
      expect(await outcome()).toBe('LOG_FENCED');
      expect(producer.calls).not.toContain('abort');
      expect(transactor.failure?.message).toContain('group.0');
      const callsBefore = producer.calls.length;
      expect(await outcome()).toBe('LOG_FENCED');
      expect(producer.calls).toHaveLength(callsBefore);
    },
  );

  it('ends the producer when it cannot be aborted', async () => {
    const { outcome } = attempt({ commit: [ABORTABLE()], abort: [clientError(48)] });
    expect(await outcome()).toBe('LOG_FENCED');
  });

  it('ends the producer when the client tells of something fatal between commits', async () => {
    const { producer, outcome } = attempt({});
    producer.emit('event.error', clientError(CODE.ALL_BROKERS_DOWN, { isFatal: false }));
    expect(await outcome()).toBe('committed');
    producer.emit('event.error', clientError(CODE.FENCED_LOCALLY, { isFatal: true }));
    expect(await outcome()).toBe('LOG_FENCED');
  });

  it('waits where the queue is full and loses no output', async () => {
    const { producer, outcome } = attempt({
      produce: [clientError(CODE.QUEUE_FULL), clientError(CODE.QUEUE_FULL)],
    });
    expect(await outcome()).toBe('committed');
    expect(producer.produced).toHaveLength(1);
    expect(producer.calls.filter((name) => name === 'poll')).toHaveLength(2);
  });

  it('does not commit what has become invalid meanwhile', async () => {
    const stale = new FirstFiveError('LOG_ABORTED', 'the partition has moved');
    const stillValid = () => {
      throw stale;
    };
    const { producer, outcome } = attempt({}, { stillValid });
    expect(await outcome()).toBe('LOG_ABORTED');
    expect(producer.calls).toEqual(['begin', 'offsets', 'abort']);
  });

  it('never sends offsets for a consumer that is gone: the client would crash', async () => {
    const { producer, consumer, outcome } = attempt({});
    consumer.connected = false;
    expect(await outcome()).toBe('LOG_ABORTED');
    expect(producer.calls).toEqual(['begin', 'abort']);
  });

  it('is idle only when neither commit nor abort is under way', async () => {
    const { producer, transactor, outcome } = attempt({ commit: [ABORTABLE()] });
    const running = outcome();
    await transactor.idle();
    expect(producer.calls.at(-1)).toBe('abort');
    await running;
  });
});
