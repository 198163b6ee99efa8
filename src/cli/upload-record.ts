/** An upload event as the record that `submit` and `score` publish. */
import type { OutputRecord } from '../core/record.ts';
import type { UploadEvent } from '../core/upload.ts';
import type { Serde } from '../runtime/serde.ts';

export interface UploadRecordSettings {
  readonly topic: string;
  readonly serde: Pick<Serde<UploadEvent>, 'serialize'>;
  /** The time of publishing, milliseconds since the epoch: retention counts from then, however old the upload is. */
  readonly now: number;
}

export function uploadRecord(event: UploadEvent, { topic, serde, now }: UploadRecordSettings): OutputRecord {
  return {
    topic,
    timestamp: now,
    key: new TextEncoder().encode(event.uploadId),
    value: serde.serialize(event),
    headers: [],
  };
}
