/**
 * Publishes upload events.
 *
 * S1. A batch is appended in one step and reported once it is durable: what was printed is in the log.
 * S2. A row that is no upload is reported in its place and stops nothing.
 */
import { FirstFiveError } from '../core/errors.ts';
import type { UploadEvent } from '../core/upload.ts';
import type { Log } from '../runtime/log.ts';
import type { Serde } from '../runtime/serde.ts';
import type { Topology } from '../runtime/topology.ts';
import type { CliContext } from './context.ts';
import { readUploadInputs, type UploadInput } from './inputs/upload-inputs.ts';
import { openSerdes, withLog } from './openers.ts';
import { openProgress } from './output/progress-line.ts';
import { writeJson, writeLine } from './output/streams.ts';
import { harmless } from './output/text-width.ts';
import { configurationOf } from './run-flags.ts';
import { uploadRecord } from './upload-record.ts';

export interface SubmitFlags extends Readonly<Record<string, unknown>> {
  readonly from?: string;
  readonly json?: boolean;
}

const BATCH = 500;

interface Submission {
  readonly context: CliContext;
  readonly log: Log;
  readonly topic: string;
  readonly serde: Serde<UploadEvent>;
  readonly json: boolean;
}

interface Counts {
  published: number;
  rejected: number;
}

export async function submitUploads(
  context: CliContext,
  media: readonly string[],
  flags: SubmitFlags,
): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  const { cwd, stdin } = context;
  const inputs = readUploadInputs({ media, from: flags.from, cwd, stdin, now: context.now() });
  const { uploadCreated: serde } = await openSerdes(options.registry, context.env);
  const topic = uploadTopic(topology);
  const stop = context.stopSignal();
  const counts: Counts = { published: 0, rejected: 0 };
  // The first input before the log is opened: a wrong command line leaves no empty log behind.
  const first = await inputs.next();
  const progress = openProgress({
    stream: context.stderr,
    label: 'submitting',
    noun: 'uploads',
    enabled: !flags.json,
  });
  try {
    await withLog(options.log, { context }, async (log) => {
      await log.admin.ensureTopics(topology.topics);
      const submission = { context, log, topic, serde, json: flags.json === true };
      let batch: UploadInput[] = first.done ? [] : [first.value];
      for await (const input of inputs) {
        batch.push(input);
        if (batch.length < BATCH) continue;
        await publish(submission, batch, counts);
        batch = [];
        progress.update({ done: counts.published, failed: counts.rejected, inWork: 0, total: undefined });
        if (stop.aborted) break;
      }
      await publish(submission, batch, counts);
    });
  } finally {
    progress.close();
  }
  context.stderr.write(`${counts.published} published to ${topic}, ${counts.rejected} rejected\n`);
}

/** The topic that extraction reads: where upload events belong. */
export function uploadTopic(topology: Topology): string {
  const stage = topology.stages.find((candidate) => candidate.steps.includes('extract'));
  if (stage !== undefined) return stage.input;
  throw new FirstFiveError(
    'CONFIG_INVALID',
    `topology ${topology.name} extracts nothing, so it takes no uploads`,
  );
}

async function publish(submission: Submission, batch: readonly UploadInput[], counts: Counts): Promise<void> {
  const { log, topic, serde, context } = submission;
  const settings = { topic, serde, now: context.now() };
  const records = batch.flatMap((input) => ('event' in input ? [uploadRecord(input.event, settings)] : []));
  const landed = await log.append(records);
  let next = 0;
  for (const input of batch) {
    if ('error' in input) {
      counts.rejected++;
      await report(submission, input);
      continue;
    }
    counts.published++;
    const at = landed[next++];
    if (submission.json && at !== undefined) {
      const { partition, offset } = at;
      await writeJson(context.stdout, {
        uploadId: input.event.uploadId,
        status: 'published',
        topic,
        partition,
        offset,
      });
    }
  }
}

function report(
  { context, json }: Submission,
  { uploadId, error }: Extract<UploadInput, { error: unknown }>,
) {
  const { code, message } = error;
  if (json)
    return writeJson(context.stdout, { uploadId, status: 'rejected', code, stage: error.stage, message });
  return writeLine(context.stdout, `${harmless(uploadId)}  rejected  ${code}  ${harmless(message)}`);
}
