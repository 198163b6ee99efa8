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

  it('ends the producer when it cannot be aborted, and does not blame another process', async () => {
    const { outcome } = attempt({ commit: [ABORTABLE()], abort: [clientError(48)] });
    expect(await outcome()).toBe('LOG_CLIENT_FAILED');
  });

  it('is aborted where the group refuses its member: only another producer can take the slot', async () => {
    const refused = clientError(CODE.FENCED_INSTANCE_ID, { isTxnRequiresAbort: true });
    const { producer, outcome } = attempt({ offsets: [refused] });
    expect(await outcome()).toBe('LOG_ABORTED');
    expect(producer.calls).toEqual(['begin', 'offsets', 'abort']);
    expect(await outcome()).toBe('committed');
  });

  it('ends a producer that delivers nothing twice in a row, and not one that does so now and then', async () => {
    const undelivered = () => clientError(CODE.UNDELIVERED, { isTxnRequiresAbort: true });
    const stalled = attempt({ commit: [undelivered(), undelivered()] });
    expect([await stalled.outcome(), await stalled.outcome()]).toEqual(['LOG_ABORTED', 'LOG_CLIENT_FAILED']);
    expect(stalled.producer.calls.at(-1)).toBe('abort');
    const script: Script = { commit: [undelivered()] };
    const shaken = attempt(script);
    expect([await shaken.outcome(), await shaken.outcome()]).toEqual(['LOG_ABORTED', 'committed']);
    script.commit = [undelivered()];
    expect([await shaken.outcome(), await shaken.outcome()]).toEqual(['LOG_ABORTED', 'committed']);
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

describe('a cancelled transaction', () => {
  const offsets = [{ topic: 'in', partition: 0, offset: 0n }];

  it('names its partitions to the brokers and is aborted', async () => {
    const { producer, consumer, transactor } = attempt({});
    await transactor.cancelled({ outputs: [output], offsets, consumer: consumer.client });
    expect([producer.calls, producer.produced.length]).toEqual([['begin', 'offsets', 'flush', 'abort'], 1]);
  });

  it.each([CODE.UNKNOWN_MEMBER_ID, CODE.FENCED_INSTANCE_ID])(
    'has done its part when the group refuses the offsets (%i)',
    async (code) => {
      const refused = clientError(code, { isTxnRequiresAbort: true });
      const { producer, consumer, transactor } = attempt({ offsets: [refused] });
      await transactor.cancelled({ outputs: [], offsets, consumer: consumer.client });
      expect(producer.calls).toEqual(['begin', 'offsets', 'abort']);
    },
  );

  it('fails where nothing was named, and finds out that the slot is taken', async () => {
    const failing = attempt({ offsets: [ABORTABLE()] });
    const named = failing.transactor.cancelled({ outputs: [], offsets, consumer: failing.consumer.client });
    await expect(named).rejects.toMatchObject({ code: 'LOG_ABORTED' });
    const taken = attempt({ begin: [FENCED()] });
    const asked = taken.transactor.cancelled({ outputs: [], offsets, consumer: taken.consumer.client });
    await expect(asked).rejects.toMatchObject({ code: 'LOG_FENCED' });
  });

  it('waits for the transaction before it', async () => {
    const { producer, consumer, transactor, outcome } = attempt({});
    const committed = outcome();
    await transactor.cancelled({ outputs: [], offsets, consumer: consumer.client });
    await committed;
    expect(producer.calls).toEqual(['begin', 'offsets', 'commit', 'begin', 'offsets', 'abort']);
  });
});
