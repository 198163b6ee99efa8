/** The callbacks of the client as promises, each with a deadline of our own: some native calls can block for ever. */
import { FirstFiveError } from '../../core/errors.ts';
import type { Done } from './client.ts';

/** A timer that fires this much too late shows that the process was stopped: the answer may be waiting to be read. */
const STOPPED_MS = 1_000;
const GRACE_MS = 10_000;

/** Rejects with what the call reports or throws, and with `LOG_UNAVAILABLE` when it has not answered in time. */
export function called<T>(what: string, deadlineMs: number, start: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    let deadline = performance.now() + deadlineMs;
    const check = () => {
      if (performance.now() - deadline > STOPPED_MS) {
        deadline = performance.now() + GRACE_MS;
        late = setTimeout(check, GRACE_MS);
        return;
      }
      reject(new FirstFiveError('LOG_UNAVAILABLE', `${what} did not answer within ${deadlineMs} ms`));
    };
    let late = setTimeout(check, deadlineMs);
    try {
      start((error, value) => {
        clearTimeout(late);
        if (error !== null && error !== undefined) reject(error);
        else resolve(value);
      });
    } catch (thrown) {
      clearTimeout(late);
      reject(thrown);
    }
  });
}

/** Resolves to whether the promise settled within the time. Its rejection is not thrown here. */
export async function settledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  const first = await Promise.race([settled, late]);
  clearTimeout(timer);
  return first;
}
