/** What `dlq ls`, `dlq show` and `dlq redrive` do once they are loaded. */
import { FirstFiveError } from '../../core/errors.ts';
import type { StreamRecord } from '../../core/record.ts';
import type { Log, TopicDescription } from '../../runtime/log.ts';
import type { Topology } from '../../runtime/topology.ts';
import type { CliContext } from '../context.ts';
import { parseCount } from '../moments.ts';
import { withLog } from '../openers.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { harmless } from '../output/text-width.ts';
import { openRecordDecoder } from '../records/record-decoder.ts';
import { headersJson } from '../records/record-json.ts';
import { configurationOf } from '../run-flags.ts';
import { type DeadLetterFlags, deadLetterFilter, matches } from './dead-letter-filter.ts';
import { deadLetters, type StoredDeadLetter } from './dead-letter-scan.ts';
import { redrive, redrivenBefore } from './redrive.ts';

export interface DeadLetterCommand extends DeadLetterFlags, Readonly<Record<string, unknown>> {
  readonly max?: string;
  /** The same as `max`. */
  readonly limit?: string;
  readonly topic?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly again?: boolean;
}

export async function listDeadLetters(context: CliContext, flags: DeadLetterCommand): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  const filter = deadLetterFilter(flags, context.now());
  const max = maxOf(flags);
  await withLog(options.log, { context }, async (log) => {
    const topic = await deadLetterTopic(log, topology, flags);
    if (topic === undefined) return;
    const isRedriven = await redrivenBefore(log, topic);
    let shown = 0;
    for await (const stored of deadLetters(log, topic.name)) {
      if (!matches(stored, filter)) continue;
      const redriven = isRedriven(stored);
      if (flags.json) await writeJson(context.stdout, { ...summary(stored), redriven });
      else await writeLine(context.stdout, `${summaryText(stored)}${redriven ? '  redriven' : ''}`);
      if (++shown >= max) return;
    }
  });
}

export async function showDeadLetter(
  context: CliContext,
  id: string,
  flags: DeadLetterCommand,
): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  await withLog(options.log, { context }, async (log) => {
    const topic = await deadLetterTopic(log, topology, flags);
    const stored = topic === undefined ? undefined : await find(log, topic.name, id);
    if (topic === undefined || stored === undefined)
      throw new FirstFiveError('USAGE', `there is no dead letter ${id}`);
    const redriven = (await redrivenBefore(log, topic))(stored);
    const decoder = await openRecordDecoder(options, context.env);
    const { origin } = stored.letter;
    const record = { headers: headersJson(origin.headers), ...(await decoder.decode(origin)) };
    const shown = { ...summary(stored), redriven, ...record };
    if (flags.json) return writeJson(context.stdout, { ...shown, ...originalBytes(origin) });
    return writeLine(context.stdout, JSON.stringify(shown, bigintText, 2));
  });
}

export async function redriveDeadLetters(
  context: CliContext,
  ids: readonly string[],
  flags: DeadLetterCommand,
): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  const filter = deadLetterFilter(flags, context.now());
  const [dryRun, again] = [flags.dryRun === true, flags.again === true];
  await withLog(options.log, { context }, async (log) => {
    const topic = await deadLetterTopic(log, topology, flags);
    const result =
      topic === undefined
        ? { matched: 0, redriven: 0, skipped: 0 }
        : await redrive(
            log,
            { topic, filter, ids, max: maxOf(flags), again, dryRun, now: context.now() },
            async (stored) => {
              if (flags.json) await writeJson(context.stdout, { ...summary(stored), dryRun });
              else await writeLine(context.stdout, summaryText(stored));
            },
          );
    const { matched, redriven, skipped } = result;
    context.stderr.write(
      `${matched} matched, ${redriven} ${dryRun ? 'would be redriven' : 'redriven'}, ${skipped} skipped (redriven before)\n`,
    );
  });
}

/** `undefined` when the topic of the topology does not exist yet: nothing has failed. */
async function deadLetterTopic(
  log: Log,
  topology: Topology,
  flags: DeadLetterCommand,
): Promise<TopicDescription | undefined> {
  const names = [...new Set(topology.stages.map((stage) => stage.deadLetters))];
  if (flags.topic !== undefined) return (await log.admin.describeTopics([flags.topic]))[0];
  if (names.length > 1) throw new FirstFiveError('USAGE', `name one with --topic: ${names.join(', ')}`);
  return (await log.admin.describeTopics()).find((topic) => topic.name === names[0]);
}

async function find(log: Log, topic: string, id: string): Promise<StoredDeadLetter | undefined> {
  for await (const stored of deadLetters(log, topic)) if (stored.id === id) return stored;
  return undefined;
}

function summary({ id, letter, upload }: StoredDeadLetter) {
  const { topic, partition, offset, timestamp } = letter.origin;
  const { code, stage, message, attempts, firstFailureAt, lastFailureAt } = letter;
  return {
    id,
    uploadId: upload,
    code,
    stage,
    message,
    attempts,
    firstFailureAt,
    lastFailureAt,
    origin: { topic, partition, offset, timestamp },
  };
}

function summaryText({ id, letter, upload }: StoredDeadLetter): string {
  const time = new Date(letter.lastFailureAt).toISOString();
  const tries = `${letter.attempts} attempt${letter.attempts === 1 ? '' : 's'}`;
  return `${id}  ${time}  ${letter.code}  ${harmless(letter.stage)}  ${harmless(upload ?? '(no key)')}  ${tries}`;
}

function originalBytes({ key, value }: StreamRecord): {
  keyBase64: string | null;
  valueBase64: string | null;
} {
  const base64 = (bytes: Uint8Array | null) =>
    bytes === null ? null : Buffer.from(bytes).toString('base64');
  return { keyBase64: base64(key), valueBase64: base64(value) };
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function maxOf(flags: DeadLetterCommand): number {
  const { max, limit } = flags;
  if (max !== undefined && limit !== undefined)
    throw new FirstFiveError('USAGE', '--max and --limit say the same; give one of them');
  if (limit !== undefined) return parseCount('--limit', limit);
  return max === undefined ? Number.POSITIVE_INFINITY : parseCount('--max', max);
}
