/** A member gives up waiting for a revocation whose last commit hangs, and gets the partition back before that ends. */
import { expect, it } from 'vitest';
import { FirstFiveError } from '../../src/core/errors.ts';
import type { StreamRecord } from '../../src/core/record.ts';
import type { CommitUnit, GroupListener, Log } from '../../src/runtime/log.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { INPUT, newLog, runnerOn, upload } from './fixtures.ts';

const AT = { topic: INPUT, partition: 0 };

function record(id: string, offset: bigint): StreamRecord {
  return { ...upload(id), ...AT, offset };
}

/** One partition; commits under an epoch in `hanging` wait until they are let go, and fail then. */
function scriptedLog(log: Log) {
  const script = {
    listener: undefined as GroupListener | undefined,
    coming: [] as StreamRecord[],
    units: [] as CommitUnit[],
    hanging: Promise.withResolvers<void>(),
    hangingEpoch: 0,
  };
  const scripted: Log = {
    admin: log.admin,
    append: (records) => log.append(records),
    openReader: (topics, from) => log.openReader(topics, from),
    close: () => log.close(),
    join: async ({ listener }) => {
      script.listener = listener;
      return {
        poll: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return script.coming.splice(0);
        },
        commit: async (unit) => {
          if (unit.offsets.some(({ epoch }) => epoch === script.hangingEpoch)) {
            await script.hanging.promise;
            throw new FirstFiveError('LOG_ABORTED', 'the partition was given up');
          }
          script.units.push(unit);
        },
        pause: () => {},
        resume: () => {},
        leave: async () => {},
      };
    },
  };
  return { script, scripted };
}

it('takes in a partition that came back although the end of its revocation comes later', async () => {
  const clock = new FakeClock();
  const { script, scripted } = scriptedLog(await newLog(clock, 1));
  const runner = runnerOn(scripted, clock);
  await runner.start();
  script.hangingEpoch = 1;
  await script.listener?.onAssigned([{ ...AT, epoch: 1, position: 0n }]);
  script.coming.push(record('first', 0n));
  await clock.advance(1_000);

  const revoked = script.listener?.onRevoked([AT]);
  await script.listener?.onAssigned([{ ...AT, epoch: 2, position: 0n }]);
  script.hanging.resolve();
  await revoked;
  script.coming.push(record('first', 0n), record('second', 1n));
  await clock.advance(1_000);

  const committed = script.units.flatMap(({ offsets }) => offsets);
  expect(committed.at(-1)).toMatchObject({ ...AT, offset: 2n, epoch: 2 });
  expect(committed.every(({ epoch }) => epoch === 2)).toBe(true);
  await runner.stop(0);
});
