/** A scripted stand-in for the native client's consumer and producer: what is called is noted, answers are given in order. */
import type {
  ClientConsumer,
  ClientError,
  ClientMessage,
  ClientProducer,
  ClientTopicPartition,
  Done,
} from '../../../src/adapters/log-kafka/client.ts';

export function clientError(code: number, flags: Partial<ClientError> = {}): ClientError {
  return Object.assign(new Error(`error ${code}`), { code, ...flags });
}

/** An answer per call of that name, in order; after the last one every call succeeds. */
export type Script = Partial<Record<string, (ClientError | 'never')[]>>;

export class FakeProducer {
  readonly calls: string[] = [];
  readonly produced: unknown[] = [];
  readonly #script: Script;
  readonly #listeners = new Map<string, (value: never) => void>();

  constructor(script: Script = {}) {
    this.#script = script;
  }

  get client(): ClientProducer {
    const call =
      (name: string) =>
      (...args: unknown[]) =>
        this.#answer(name, args.at(-1) as Done);
    return {
      initTransactions: call('init'),
      beginTransaction: call('begin'),
      sendOffsetsToTransaction: call('offsets'),
      commitTransaction: call('commit'),
      abortTransaction: call('abort'),
      flush: call('flush'),
      produce: (...args: unknown[]) => this.#produce(args),
      poll: () => this.calls.push('poll'),
      on: (event: string, listener: (value: never) => void) => this.#listeners.set(event, listener),
    } as unknown as ClientProducer;
  }

  emit(event: string, value: unknown): void {
    this.#listeners.get(event)?.(value as never);
  }

  /** A delivery that succeeded. */
  emitReport(report: unknown): void {
    const listener = this.#listeners.get('delivery-report') as
      | ((error: null, report: unknown) => void)
      | undefined;
    listener?.(null, report);
  }

  #produce(args: unknown[]): void {
    const answer = this.#script.produce?.shift();
    if (answer !== undefined && answer !== 'never') throw answer;
    this.produced.push(args[2]);
  }

  #answer(name: string, done: Done): void {
    this.calls.push(name);
    const answer = this.#script[name]?.shift();
    if (answer === 'never') return;
    setImmediate(() => done(answer ?? null, undefined));
  }
}

interface Pending {
  readonly count: number;
  readonly timeoutMs: number;
  readonly done: Done<readonly ClientMessage[]>;
}

/** A consumer whose `consume` calls are answered by hand (`answer`). */
export class FakeConsumer {
  readonly calls: string[] = [];
  protocol = 'COOPERATIVE';
  connected = true;
  pending: Pending | undefined;
  #timeoutMs = 0;

  get client(): ClientConsumer {
    const noted = (name: string) => (partitions?: readonly ClientTopicPartition[]) => {
      const list = partitions?.map(
        (at) => `${at.partition}${at.offset === undefined ? '' : `@${at.offset}`}`,
      );
      this.calls.push(list === undefined ? name : `${name} ${list.join(',')}`);
    };
    return {
      isConnected: () => this.connected,
      rebalanceProtocol: () => this.protocol,
      assign: noted('assign'),
      unassign: noted('unassign'),
      incrementalAssign: noted('incrementalAssign'),
      incrementalUnassign: noted('incrementalUnassign'),
      pause: noted('pause'),
      resume: noted('resume'),
      setDefaultConsumeTimeout: (timeoutMs: number) => {
        this.#timeoutMs = timeoutMs;
      },
      consume: (count: number, done: Pending['done']) => {
        if (this.pending !== undefined) throw new Error('two consume calls at once');
        this.pending = { count, timeoutMs: this.#timeoutMs, done };
      },
      on: () => {},
    } as unknown as ClientConsumer;
  }

  /** Answers the call in flight, waiting for one if there is none yet. Returns how it was asked. */
  async answer(
    messages: readonly ClientMessage[] | ClientError,
  ): Promise<Pick<Pending, 'count' | 'timeoutMs'>> {
    while (this.pending === undefined) await new Promise((resolve) => setImmediate(resolve));
    const { done, count, timeoutMs } = this.pending;
    this.pending = undefined;
    if (messages instanceof Error) done(messages, []);
    else done(null, messages);
    await new Promise((resolve) => setImmediate(resolve));
    return { count, timeoutMs };
  }
}

export function message(partition: number, offset: number, size = 10): ClientMessage {
  return { topic: 't', partition, offset, timestamp: 0, key: null, value: new Uint8Array(size) };
}
