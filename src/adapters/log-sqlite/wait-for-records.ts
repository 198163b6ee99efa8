/** The waiting part of a poll, shared by members and readers. */
import type { StreamRecord } from '../../core/record.ts';
import type { PollRequest } from '../../runtime/log.ts';
import type { WakeUp } from './wake-up.ts';

/** Calls `fetch` after each change until it finds something, gives up (`undefined`), or the wait is over or called off. */
export async function waitForRecords(
  wakeUp: WakeUp,
  { maxWaitMs, signal }: PollRequest,
  fetch: () => Promise<StreamRecord[] | undefined>,
): Promise<readonly StreamRecord[]> {
  const deadline = performance.now() + maxWaitMs;
  for (;;) {
    const version = wakeUp.version;
    const records = await fetch();
    if (records === undefined) return [];
    const left = deadline - performance.now();
    if (records.length > 0 || left <= 0 || signal?.aborted) return records;
    await wakeUp.changed(version, left, signal);
  }
}
