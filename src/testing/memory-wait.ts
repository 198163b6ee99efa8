/** Waiting for records, for members and readers of the memory log alike. */
import type { StreamRecord } from '../core/record.ts';
import type { PollRequest } from '../runtime/log.ts';

/** Tries at once and then once more after the wait; `undefined` from `attempt` ends it with nothing. */
export async function waitForRecords(
  request: PollRequest,
  idle: (ms: number, signal: AbortSignal | undefined) => Promise<void>,
  attempt: () => Promise<readonly StreamRecord[] | undefined>,
): Promise<readonly StreamRecord[]> {
  const first = await attempt();
  if (first === undefined) return [];
  if (first.length > 0 || request.maxWaitMs === 0 || request.signal?.aborted) return first;
  await idle(request.maxWaitMs, request.signal);
  return (await attempt()) ?? [];
}
