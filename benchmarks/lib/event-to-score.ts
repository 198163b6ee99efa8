/** Event-to-score times at a steady rate: Poisson arrivals, from the call that appends the event to its score in the topic. */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../src/core/random.ts';
import type { UploadEvent } from '../../src/core/upload.ts';
import type { UpParts } from './up-parts.ts';

export interface SteadyLoad {
  /** Uploads per second. */
  readonly rate: number;
  readonly seed: number;
}

/** Milliseconds, one for each event, in the order of the scores. Starts the pipeline and stops it. */
export async function eventToScore(
  parts: UpParts,
  events: readonly UploadEvent[],
  { rate, seed }: SteadyLoad,
): Promise<number[]> {
  const random = seededRandom(seed);
  const pipeline = await parts.start();
  const reader = await parts.log.openReader(['ranking.cold-start.v1'], { at: 'end' });
  const published = new Map<string, number>();
  const waits: number[] = [];
  const reading = (async () => {
    while (waits.length < events.length) {
      for (const { key } of await reader.next({ maxRecords: 100, maxBytes: 1 << 20, maxWaitMs: 1_000 })) {
        waits.push(performance.now() - (published.get(Buffer.from(key ?? []).toString()) ?? Number.NaN));
      }
    }
  })();
  for (const event of events) {
    await delay((-Math.log(1 - random()) / rate) * 1_000);
    published.set(event.uploadId, performance.now());
    await parts.publish([event]);
  }
  await reading;
  await reader.close();
  await pipeline.stop(0);
  return waits;
}
