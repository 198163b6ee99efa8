/**
 * Records of any topic as JSON values, by the topic's family: its name without the configured prefix.
 *
 * D1. Embeddings are shown as dimension and norm: a thousand numbers tell a reader nothing.
 * D2. A record that cannot be decoded is shown with its error, and never ends the listing.
 */
import type { RegistryPlace } from '../../config/places.ts';
import { parseDeadLetter } from '../../core/dead-letter.ts';
import { toFirstFiveError } from '../../core/errors.ts';
import type { StreamRecord } from '../../core/record.ts';
import type { Serde } from '../../runtime/serde.ts';
import type { CliContext } from '../context.ts';
import { openSerdes } from '../openers.ts';
import { textOrBase64 } from './record-json.ts';

export type DecodedRecord =
  | { readonly value: unknown }
  | { readonly value: null; readonly error: { readonly code: string; readonly message: string } };

export interface RecordDecoder {
  decode(record: StreamRecord): Promise<DecodedRecord>;
}

export interface DecoderSettings {
  readonly registry: RegistryPlace;
  readonly topicPrefix: string;
}

/** `env` holds the credentials of a REST registry. */
export async function openRecordDecoder(
  { registry, topicPrefix }: DecoderSettings,
  env: CliContext['env'],
): Promise<RecordDecoder> {
  const serdes = await openSerdes(registry, env);
  const families: Readonly<Record<string, Serde<unknown>>> = {
    'media.upload.created.v1': serdes.uploadCreated,
    'media.upload.extracted.v1': serdes.uploadExtracted,
    'media.upload.embedded.v1': serdes.uploadEmbedded,
    'media.upload.deleted.v1': serdes.uploadDeleted,
    'ranking.cold-start.v1': serdes.coldStartScore,
    'engagement.watch.v1': serdes.watch,
  };
  const decode = async (record: StreamRecord): Promise<DecodedRecord> => {
    if (record.value === null) return { value: null };
    const origin = parseDeadLetter(record)?.origin;
    const topic = (origin ?? record).topic;
    const serde = families[familyOf(topic.startsWith(topicPrefix) ? topic.slice(topicPrefix.length) : topic)];
    if (serde === undefined) return { value: textOrBase64(record.value) };
    try {
      await serde.prepare(record.value);
      return { value: shown(serde.deserialize(record.value)) };
    } catch (thrown) {
      const { code, message } = toFirstFiveError(thrown);
      return { value: null, error: { code, message } };
    }
  };
  return { decode };
}

/** Topics of a backfill's run, and the one by which it is published, hold what the live ones hold. */
function familyOf(topic: string): string {
  return topic.replace(/\.(backfill\.[a-z0-9-]+|publish\.v\d+)$/, '.v1');
}

/** Replaces vectors by what they are (D1). */
function shown(value: unknown): unknown {
  if (value instanceof Float32Array) return { dim: value.length, norm: Number(norm(value).toPrecision(6)) };
  if (value instanceof Uint8Array) return { bytes: value.byteLength };
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}

function norm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}
