/**
 * When waiting items become a batch, and which: a pure decision over queues, so that a fake clock can drive it.
 *
 * P1. A batch never exceeds `maxItems`, `maxRows` or `maxBytes`, except that one item alone is always taken.
 * P2. Items leave in the order they came, within their lane. Lanes are given in order of urgency: a later lane fills
 *     only what the earlier ones leave.
 * P3. A batch leaves when it is full or when its oldest item has waited `maxDelayMs`, whichever is first.
 */

export interface BatchPolicy {
  readonly maxItems: number;
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Longest wait of an item for company, in milliseconds. 0: leaves as soon as a slot is free. */
  readonly maxDelayMs: number;
  /** Batches that may run at once; items wait (and gather company) while this many are under way. */
  readonly maxInFlight: number;
}

/** What the decision needs to know of a waiting item. */
export interface WaitingItem {
  readonly rows: number;
  readonly bytes: number;
  /** Milliseconds on the batcher's clock. */
  readonly enqueuedAt: number;
}

export type BatchTrigger = 'full' | 'delay' | 'drain';

export type BatchDecision =
  | { readonly kind: 'flush'; readonly trigger: BatchTrigger; readonly take: readonly number[] }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'idle' };

export interface BatchMoment {
  readonly now: number;
  /** True while closing: nothing more will come, so nothing waits. */
  readonly draining: boolean;
}

/** `take[i]` items leave from the head of lane i. Costs no more than the batch it finds. */
export function decideBatch(
  lanes: readonly (readonly WaitingItem[])[],
  policy: BatchPolicy,
  moment: BatchMoment,
): BatchDecision {
  const { take, count, full } = fillBatch(lanes, policy);
  if (count === 0) return { kind: 'idle' };
  if (full) return { kind: 'flush', trigger: 'full', take };
  if (moment.draining) return { kind: 'flush', trigger: 'drain', take };
  const dueAt = oldestArrival(lanes) + policy.maxDelayMs;
  return dueAt <= moment.now ? { kind: 'flush', trigger: 'delay', take } : { kind: 'wait', untilMs: dueAt };
}

function fillBatch(lanes: readonly (readonly WaitingItem[])[], policy: BatchPolicy) {
  const take = lanes.map(() => 0);
  let count = 0;
  let rows = 0;
  let bytes = 0;
  for (const [lane, items] of lanes.entries()) {
    for (const item of items) {
      const fits = rows + item.rows <= policy.maxRows && bytes + item.bytes <= policy.maxBytes;
      if (count > 0 && !fits) return { take, count, full: true };
      take[lane] = (take[lane] ?? 0) + 1;
      count++;
      rows += item.rows;
      bytes += item.bytes;
      if (count >= policy.maxItems || rows >= policy.maxRows || bytes >= policy.maxBytes) {
        return { take, count, full: true };
      }
    }
  }
  return { take, count, full: false };
}

function oldestArrival(lanes: readonly (readonly WaitingItem[])[]): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const items of lanes) oldest = Math.min(oldest, items[0]?.enqueuedAt ?? oldest);
  return oldest;
}
