/** Waits until a cluster answers a metadata request that lists all of its nodes. */
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { FirstFiveError } from '../../core/errors.ts';

export interface ReadyOptions {
  readonly deadlineMs: number;
  /** Ends the wait early when the process is gone. */
  readonly isAlive: () => boolean;
}

const POLL_MS = 100;

export async function untilReady(brokers: string, nodes: number, options: ReadyOptions): Promise<void> {
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    if ((await listedNodes(brokers)) >= nodes) return;
    if (!options.isAlive())
      throw new FirstFiveError('LOG_UNAVAILABLE', 'the broker ended before it was ready');
    if (performance.now() > deadline) {
      throw new FirstFiveError('LOG_UNAVAILABLE', `the broker was not ready after ${options.deadlineMs} ms`);
    }
    await delay(POLL_MS);
  }
}

async function listedNodes(brokers: string): Promise<number> {
  const kafka = new Kafka({
    clientId: 'firstfive-readiness',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length;
  } catch {
    return 0;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
