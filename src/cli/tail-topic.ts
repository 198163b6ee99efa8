/**
 * Follows a topic.
 *
 * T1. Records are shown in order within a partition; partitions are mixed as they arrive.
 * T2. Stopping (Ctrl-C, `--max`, a reader of stdout that leaves) ends it cleanly, with exit 0.
 */
import { FirstFiveError } from '../core/errors.ts';
import type { StreamRecord } from '../core/record.ts';
import type { Log, LogReader, PartitionOffset, ReadFrom } from '../runtime/log.ts';
import type { CliContext } from './context.ts';
import { parseCount, parseMoment } from './moments.ts';
import { withLog } from './openers.ts';
import { columnsOf, toJson, writeJson, writeLine } from './output/streams.ts';
import { cutTo, harmless } from './output/text-width.ts';
import { openRecordDecoder, type RecordDecoder } from './records/record-decoder.ts';
import { headersJson, textOrBase64 } from './records/record-json.ts';
import { configurationOf } from './run-flags.ts';

export interface TailFlags extends Readonly<Record<string, unknown>> {
  readonly from: string;
  readonly max?: string;
  readonly follow: boolean;
  readonly raw?: boolean;
  readonly json?: boolean;
}

const READ = { maxRecords: 500, maxBytes: 4 * 1024 * 1024 };
/** How soon a stop signal is noticed while nothing arrives. */
const WAIT_MS = 500;

interface Printer {
  print(record: StreamRecord): Promise<void>;
}

export async function tailTopic(context: CliContext, name: string, flags: TailFlags): Promise<void> {
  const from = readFrom(flags.from, context.now());
  const max = flags.max === undefined ? Number.POSITIVE_INFINITY : parseCount('--max', flags.max);
  const { options } = await configurationOf(context, flags);
  const decoder = flags.raw ? undefined : await openRecordDecoder(options, context.env);
  const printer = flags.json ? jsonPrinter(context, decoder) : textPrinter(context, decoder);
  const stop = context.stopSignal();
  await withLog(options.log, { context }, async (log) => {
    const topic = await existingTopic(log, name, options.topicPrefix);
    const ends = flags.follow ? undefined : await endOffsets(log, topic);
    const reader = await log.openReader([topic], from);
    let printed = 0;
    for await (const record of readUntil(reader, ends, stop)) {
      await printer.print(record);
      if (++printed >= max) break;
    }
  });
}

/** Records until `stop`, or up to the given ends. Closes the reader. */
async function* readUntil(
  reader: LogReader,
  ends: ReadonlyMap<number, bigint> | undefined,
  stop: AbortSignal,
): AsyncGenerator<StreamRecord> {
  // Closing wakes a waiting read, so that Ctrl-C takes effect at once.
  const close = () => void reader.close();
  stop.addEventListener('abort', close, { once: true });
  try {
    while (!stop.aborted && !hasReached(reader, ends)) {
      const records = await reader.next({ ...READ, maxWaitMs: ends === undefined ? WAIT_MS : 0 });
      if (records.length === 0 && ends !== undefined) return;
      for (const record of records) {
        if (stop.aborted) return;
        if (ends === undefined || record.offset < (ends.get(record.partition) ?? 0n)) yield record;
      }
    }
  } finally {
    stop.removeEventListener('abort', close);
    await reader.close();
  }
}

function readFrom(text: string, now: number): ReadFrom {
  if (text === 'beginning' || text === 'end') return { at: text };
  return { at: 'time', timestampMs: parseMoment('--from', text, now) };
}

/** The topic itself, or with the configured prefix before it. */
async function existingTopic(log: Log, name: string, prefix: string): Promise<string> {
  const names = (await log.admin.describeTopics()).map((topic) => topic.name);
  const found = [name, `${prefix}${name}`].find((candidate) => names.includes(candidate));
  if (found !== undefined) return found;
  const known = names.length === 0 ? 'the log has no topics yet' : `the log has ${names.join(', ')}`;
  throw new FirstFiveError('TOPIC_NOT_FOUND', `there is no topic ${harmless(name)}; ${known}`);
}

async function endOffsets(log: Log, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const [description] = await log.admin.describeTopics([topic]);
  return new Map(description?.offsets.map(({ end }, partition) => [partition, end]));
}

function hasReached(reader: LogReader, ends: ReadonlyMap<number, bigint> | undefined): boolean {
  if (ends === undefined) return false;
  return reader.positions().every((at: PartitionOffset) => at.offset >= (ends.get(at.partition) ?? 0n));
}

function jsonPrinter(context: CliContext, decoder: RecordDecoder | undefined): Printer {
  return {
    print: async (record) => {
      const { topic, partition, offset, timestamp } = record;
      const place = { topic, partition, offset, timestamp };
      if (decoder === undefined) {
        const { key, value, headers } = record;
        const base64 = (bytes: Uint8Array | null) =>
          bytes === null ? null : Buffer.from(bytes).toString('base64');
        const raw = headers.map(([name, bytes]) => [name, base64(bytes)]);
        return writeJson(context.stdout, { ...place, key: base64(key), value: base64(value), headers: raw });
      }
      const key = record.key === null ? null : textOrBase64(record.key);
      const decoded = await decoder.decode(record);
      return writeJson(context.stdout, { ...place, key, headers: headersJson(record.headers), ...decoded });
    },
  };
}

function textPrinter(context: CliContext, decoder: RecordDecoder | undefined): Printer {
  return {
    print: async (record) => {
      const time = new Date(record.timestamp).toISOString();
      const key = record.key === null ? '-' : harmless(textOrBase64(record.key));
      const line = `${time}  ${record.partition}/${record.offset}  ${key}  ${await valueText(record, decoder)}`;
      const { stdout } = context;
      return writeLine(stdout, stdout.isTTY ? cutTo(line, columnsOf(stdout)) : line);
    },
  };
}

async function valueText(record: StreamRecord, decoder: RecordDecoder | undefined): Promise<string> {
  if (record.value === null) return '(deleted)';
  if (decoder === undefined) return `base64:${Buffer.from(record.value).toString('base64')}`;
  const decoded = await decoder.decode(record);
  if ('error' in decoded) return `${decoded.error.code} ${harmless(decoded.error.message)}`;
  return harmless(toJson(decoded.value));
}
