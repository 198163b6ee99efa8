/** Inputs of a chaos test: what was acknowledged is remembered. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts';

const KEYS = 60;
const BATCH = 20;

/** Appends `kKEY:SEQUENCE`. An append whose outcome is not known is made again with new values. */
export class Feed {
  readonly sent = new Set<string>();
  /** By partition: where the inputs end. */
  readonly ends = new Map<number, bigint>();
  readonly #log: KafkaLog;
  readonly #topic: string;
  #sequence = 0;

  constructor(log: KafkaLog, topic: string) {
    this.#log = log;
    this.#topic = topic;
  }

  async run(count: number): Promise<void> {
    for (let sent = 0; sent < count; ) {
      const values = Array.from({ length: BATCH }, () => {
        const sequence = this.#sequence++;
        return `k${sequence % KEYS}:${sequence}`;
      });
      try {
        const landed = await this.#log.append(values.map((value) => this.#record(value)));
        for (const value of values) this.sent.add(value);
        for (const at of landed) this.ends.set(at.partition, at.offset + 1n);
        sent += values.length;
      } catch {
        await delay(200);
      }
      await delay(40);
    }
  }

  #record(value: string) {
    const bytes = new TextEncoder();
    const key = bytes.encode(value.split(':')[0]);
    return { topic: this.#topic, timestamp: 1, key, value: bytes.encode(value), headers: [] };
  }
}
