/** The control topic of backfills: who writes what stands in `core/backfill-state.ts`. */
import { type BackfillState, type ControlPart, controlKey, foldControl } from '../../core/backfill-state.ts';
import type { OutputRecord, StreamRecord } from '../../core/record.ts';
import type { Log, LogReader, TopicSpec } from '../log.ts';
import { readRange, wholeTopic } from './read-range.ts';

export const CONTROL_TOPIC = 'firstfive.backfill.v1';

export type ControlStates = ReadonlyMap<string, BackfillState>;

export class ControlTopic {
  readonly name: string;
  readonly #log: Log;

  constructor(log: Log, topicPrefix: string) {
    this.#log = log;
    this.name = `${topicPrefix}${CONTROL_TOPIC}`;
  }

  async ensure(): Promise<void> {
    const spec: TopicSpec = {
      name: this.name,
      partitions: 1,
      cleanup: 'compact',
      retentionMs: 7 * 86_400_000,
    };
    await this.#log.admin.ensureTopics([spec]);
  }

  /** `value` as JSON, or text that already is. */
  record(run: string, part: ControlPart, value: object | string, timestamp: number): OutputRecord {
    const encoder = new TextEncoder();
    return {
      topic: this.name,
      timestamp,
      key: encoder.encode(controlKey(run, part)),
      value: encoder.encode(typeof value === 'string' ? value : JSON.stringify(value)),
      headers: [],
    };
  }

  async write(run: string, part: ControlPart, value: object | string, timestamp: number): Promise<void> {
    await this.#log.append([this.record(run, part, value, timestamp)]);
  }

  /** All runs as they stand now; empty before the first plan. */
  async read(): Promise<ControlStates> {
    let states: ControlStates = new Map();
    for await (const record of readRange(this.#log, this.name, await wholeTopic(this.#log, this.name))) {
      states = folded(states, record);
    }
    return states;
  }

  /** Follows everything, from the beginning. The caller closes it. */
  async follow(): Promise<ControlTail> {
    return new ControlTail(await this.#log.openReader([this.name], { at: 'beginning' }));
  }
}

export class ControlTail {
  readonly #reader: LogReader;
  #states: ControlStates = new Map();

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** The state with what has arrived; waits for nothing. */
  async latest(run: string): Promise<BackfillState | undefined> {
    const records = await this.#reader.next({ maxRecords: 500, maxBytes: 8 * 1024 * 1024, maxWaitMs: 0 });
    for (const record of records) this.#states = folded(this.#states, record);
    return this.#states.get(run);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

function folded(states: ControlStates, { key, value }: StreamRecord): ControlStates {
  if (key === null) return states;
  const decoder = new TextDecoder();
  return foldControl(states, decoder.decode(key), value === null ? null : decoder.decode(value));
}
