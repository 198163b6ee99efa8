import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { parseDeadLetter } from '../../src/core/dead-letter.ts';
import { type ErrorCode, FirstFiveError } from '../../src/core/errors.ts';
import type { StreamRecord } from '../../src/core/record.ts';
import { Deadlines } from '../../src/runtime/deadlines.ts';
import type { HandlerContext, RecordHandler } from '../../src/runtime/handler.ts';
import { IntakeGate } from '../../src/runtime/intake-gate.ts';
import { RecordTask } from '../../src/runtime/record-task.ts';
import type { TaskResult } from '../../src/runtime/task-result.ts';
import { StageTelemetry } from '../../src/runtime/telemetry.ts';
import { FakeClock, settle } from '../../src/testing/fake-clock.ts';
import { stageSpec } from './fixtures.ts';

const record: StreamRecord = {
  topic: 'uploads',
  partition: 2,
  offset: 7n,
  timestamp: 5,
  key: new TextEncoder().encode('u1'),
  value: new TextEncoder().encode('original bytes'),
  headers: [['own', Uint8Array.of(1)]],
};

/** The least that a context manager can be: it follows no promise and no timer. */
class CurrentContext implements ContextManager {
  #current: Context = ROOT_CONTEXT;

  active(): Context {
    return this.#current;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    entered: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const before = this.#current;
    this.#current = entered;
    try {
      return work.call(self as ThisParameterType<F>, ...args);
    } finally {
      this.#current = before;
    }
  }

  bind<T>(_context: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

interface Scene {
  readonly clock: FakeClock;
  readonly gate: IntakeGate;
  readonly task: RecordTask;
  readonly attempts: number[];
  /** Resolves with what the task ended as; `ended` says whether it has. */
  readonly result: Promise<TaskResult | undefined>;
  readonly ended: () => boolean;
}

function prepared(
  handle: (context: HandlerContext) => Promise<unknown>,
  rejected: RecordHandler['rejected'] = () => undefined,
) {
  const clock = new FakeClock();
  const gate = new IntakeGate(clock, () => 1);
  const spec = stageSpec();
  const attempts: number[] = [];
  const handler: RecordHandler = {
    handle: async (_record, context) => {
      attempts.push(context.attempt);
      await handle(context);
      return { outputs: [], order: { id: 'u1', revision: 0, tier: 1 } };
    },
    rejected,
  };
  const task = new RecordTask(record, {
    ...{ spec, lane: 'live', handler, gate, clock, random: () => 1 },
    deadlines: new Deadlines(clock, spec.watchdog.attemptDeadlineMs),
    telemetry: new StageTelemetry('test', 'group'),
  });
  const start: RecordTask['start'] = (listener, parent) => task.start(listener, parent);
  return { clock, gate, task, attempts, start };
}

function started(...scene: Parameters<typeof prepared>): Scene {
  const { clock, gate, task, attempts } = prepared(...scene);
  let ended = false;
  const result = task.run().finally(() => {
    ended = true;
  });
  return { clock, gate, task, attempts, result, ended: () => ended };
}

const failing = (code: ErrorCode) => async () => {
  throw new FirstFiveError(code, 'for the test');
};

function letterOf(result: TaskResult | undefined) {
  expect(result?.always).toHaveLength(1);
  const [letter] = result?.always ?? [];
  return letter && parseDeadLetter({ ...letter, partition: 0, offset: 0n });
}

describe('RecordTask', () => {
  it('ends with what the handler gives, at the first attempt', async () => {
    const { result, attempts } = started(async () => {});
    expect(await result).toMatchObject({ always: [], error: undefined, order: { id: 'u1', tier: 1 } });
    expect(attempts).toEqual([1]);
  });

  it('dead-letters a terminal failure at once, with the original bytes and headers and the step that failed', async () => {
    const { result, clock } = started(async (context) => {
      context.step('embed');
      await failing('VALUE_NOT_FINITE')();
    });
    const letter = letterOf(await result);
    expect(letter).toMatchObject({ code: 'VALUE_NOT_FINITE', stage: 'embed', attempts: 1 });
    expect(letter).toMatchObject({ firstFailureAt: clock.now(), lastFailureAt: clock.now() });
    expect(letter?.origin).toEqual(record);
  });

  it.each([
    ['MEDIA_CHANGED', 3],
    ['DECODE_CRASHED', 2],
    ['DECODE_TIMEOUT', 2],
    ['INTERNAL', 2],
  ] as const)('gives up a lasting %s after %d attempts', async (code, wanted) => {
    const { result, attempts, clock } = started(failing(code));
    await clock.advance(60_000);
    const letter = letterOf(await result);
    expect(letter).toMatchObject({ code, attempts: wanted });
    expect(letter?.lastFailureAt).toBeGreaterThan(letter?.firstFailureAt ?? 0);
    expect(attempts).toEqual(Array.from({ length: wanted }, (_, i) => i + 1));
  });

  it('takes what is no FirstFiveError for a defect of ours, without losing the record', async () => {
    const { result, clock } = started(async () => {
      throw new TypeError('x is not a function');
    });
    await clock.advance(60_000);
    expect(letterOf(await result)).toMatchObject({
      code: 'INTERNAL',
      message: 'TypeError: x is not a function',
    });
  });

  it('survives a handler that throws before it returns a promise', async () => {
    const scene = started(async () => {});
    await scene.result;
    const broken: RecordHandler = {
      handle: () => {
        throw new FirstFiveError('UPLOAD_INVALID', 'at once');
      },
      rejected: () => undefined,
    };
    const { clock, gate } = scene;
    const task = new RecordTask(record, {
      ...{ spec: stageSpec(), lane: 'live', handler: broken, gate, clock, random: () => 1 },
      deadlines: new Deadlines(clock, 1_000),
      telemetry: new StageTelemetry('test', 'group'),
    });
    expect(letterOf(await task.run())).toMatchObject({ code: 'UPLOAD_INVALID' });
  });

  it('spends no attempt on a systemic failure, and goes on when the gate opens', async () => {
    let failures = 3;
    const { result, attempts, clock, gate } = started(async () => {
      if (failures-- > 0) throw new FirstFiveError('STORE_UNAVAILABLE', 'away');
    });
    await settle();
    expect(gate.closedFor?.error.code).toBe('STORE_UNAVAILABLE');
    await clock.advance(60_000);
    expect(await result).toMatchObject({ error: undefined });
    expect(attempts).toEqual([1, 1, 1, 1]);
    expect(gate.closedFor).toBeUndefined();
  });

  it('gives an attempt up at its deadline, aborts its signal, and does not hear it any more', async () => {
    const signals: AbortSignal[] = [];
    const { result, clock, task } = started(async (context) => {
      signals.push(context.signal);
      await settle();
      await new Promise<void>((resolve) => void clock.after(8_000, resolve));
      context.step('too late to say');
    });
    await clock.advance(30_000);
    expect(letterOf(await result)).toMatchObject({ code: 'STEP_TIMEOUT', attempts: 2, stage: 'queued' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(task.step).toBe('queued');
  });

  it("makes every attempt in the record's own trace context, whoever's timer ended the one before", async () => {
    const manager = new CurrentContext();
    context.setGlobalContextManager(manager);
    try {
      const own = ROOT_CONTEXT.setValue(Symbol('own'), 1);
      const seen: Context[] = [];
      const { start, clock } = prepared(async () => {
        seen.push(context.active());
        if (seen.length === 1) await new Promise(() => {});
      });
      const result = new Promise((resolve, reject) => start({ onEnded: resolve, onDefect: reject }, own));
      await clock.advance(30_000);
      expect(await result).toMatchObject({ error: undefined });
      expect(seen).toEqual([own, own]);
    } finally {
      context.disable();
    }
  });

  it.each([
    ['in an attempt', async () => new Promise(() => {}), 100],
    ['in a backoff', failing('MEDIA_CHANGED'), 10],
    ['at a closed gate', failing('STORE_UNAVAILABLE'), 10],
  ])('ends without a result when it is abandoned %s', async (_where, handle, afterMs) => {
    const { task, result, clock, ended } = started(handle);
    await clock.advance(afterMs);
    expect(ended()).toBe(false);
    task.abandon();
    expect(await result).toBeUndefined();
  });

  it('emits beside the dead letter what the handler has for a rejected record', async () => {
    const output = { topic: 'scores', timestamp: 1, key: null, value: null, headers: [] };
    const { result } = started(failing('MEDIA_EMPTY'), (_record, { code }) => ({
      outputs: [output],
      order: { id: code, revision: 4, tier: 0 },
    }));
    expect(await result).toMatchObject({
      outputs: [output],
      order: { id: 'MEDIA_EMPTY', revision: 4, tier: 0 },
    });
  });
});
