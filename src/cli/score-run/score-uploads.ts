/**
 * One-shot scoring: publishes the uploads, runs the topology beside it, and reads the answers from the log's own topics,
 * as any consumer would.
 *
 * S1. Every input is answered once, in input order (`AnswerBoard`), whatever the order of the work.
 * S2. Answers are matched by the upload event's offset, which outputs carry in their headers, so that other traffic on a shared log
 *     does not disturb.
 * S3. Publishing waits while much is unanswered: memory does not grow with the input.
 */
import { parseDeadLetter } from '../../core/dead-letter.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { StreamRecord } from '../../core/record.ts';
import type { ColdStartScore } from '../../core/score.ts';
import type { UploadEvent } from '../../core/upload.ts';
import { Pulse } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { sourceOf, sourceText } from '../../runtime/record-headers.ts';
import type { Serde } from '../../runtime/serde.ts';
import type { SettledRecord } from '../../runtime/stage-runner.ts';
import type { Pipeline } from '../compose/pipeline.ts';
import type { UploadInput } from '../inputs/upload-inputs.ts';
import type { ScoreOutcome } from '../output/score-outcome.ts';
import { uploadRecord } from '../upload-record.ts';
import { AnswerBoard } from './answer-board.ts';

export interface ScoreRunOptions {
  readonly log: Log;
  readonly inputs: AsyncIterable<UploadInput>;
  readonly topics: { readonly uploads: string; readonly scores: string; readonly deadLetters: string };
  readonly serdes: {
    readonly uploadCreated: Serde<UploadEvent>;
    readonly coldStartScore: Serde<ColdStartScore>;
  };
  /** Started once the readers stand at the topics' ends. */
  readonly startPipeline: (onSettled: (settled: SettledRecord) => void) => Promise<Pipeline>;
  readonly onOutcome: (outcome: ScoreOutcome) => Promise<void>;
  readonly onProgress: (progress: ScoreProgress) => void;
  readonly now: () => number;
  readonly stop: AbortSignal;
}

export interface ScoreProgress {
  readonly published: number;
  readonly unanswered: number;
  readonly allPublished: boolean;
}

const MAX_UNANSWERED = 2_000;
const PUBLISH_BATCH = 200;
const READ = { maxRecords: 500, maxBytes: 8 * 1024 * 1024, maxWaitMs: 250 };

export async function scoreUploads(options: ScoreRunOptions): Promise<void> {
  const run = new ScoreRun(options);
  const reader = await options.log.openReader([options.topics.scores, options.topics.deadLetters], {
    at: 'end',
  });
  const pipeline = await options.startPipeline((settled) => run.settled(settled));
  const failed = pipeline.ended().then((failure) => {
    throw failure ?? new FirstFiveError('INTERNAL', 'the pipeline ended before all uploads were answered');
  });
  try {
    const answered = Promise.all([run.publish(), run.collect((signal) => reader.next({ ...READ, signal }))]);
    await Promise.race([answered, failed]);
  } finally {
    run.end();
    failed.catch(() => {});
    await reader.close();
    await pipeline.stop(0);
  }
}

class ScoreRun {
  readonly #options: ScoreRunOptions;
  readonly #board = new AnswerBoard();
  readonly #changed = new Pulse();
  readonly #ended = new AbortController();
  /** Answers that were read before the append that they answer had returned. */
  #early: StreamRecord[] = [];
  #appending = false;
  #published = 0;
  #allPublished = false;

  constructor(options: ScoreRunOptions) {
    this.#options = options;
  }

  end(): void {
    this.#ended.abort();
    this.#changed.announce();
  }

  /** What was superseded has no output of its own; what waits in a retry topic has none for longer than one waits here. */
  settled({ record, outcome, error }: SettledRecord): void {
    if (outcome !== 'superseded' && outcome !== 'retried') return;
    const source = sourceOf(record);
    const uploadId = this.#board.waitingFor(source);
    if (uploadId === undefined) return;
    this.#board.answer(source, {
      status: 'rejected',
      uploadId,
      code: error?.code ?? 'UPLOAD_SUPERSEDED',
      stage: error?.stage ?? 'emit',
      message: error?.message ?? 'a higher revision of this upload was scored first',
    });
    this.#changed.announce();
  }

  async publish(): Promise<void> {
    let batch: UploadInput[] = [];
    for await (const input of this.#options.inputs) {
      batch.push(input);
      if (batch.length < PUBLISH_BATCH) continue;
      await this.#append(batch);
      batch = [];
      while (this.#board.unanswered > MAX_UNANSWERED && !this.#done) await this.#changed.next();
      if (this.#done) return;
    }
    await this.#append(batch);
    this.#allPublished = true;
    this.#report();
  }

  /** Reads answers until everything published is answered. */
  async collect(next: (signal: AbortSignal) => Promise<readonly StreamRecord[]>): Promise<void> {
    while (!this.#done) {
      for (const outcome of this.#board.take()) await this.#options.onOutcome(outcome);
      if (this.#allPublished && this.#board.unanswered === 0) break;
      const records = await next(this.#ended.signal);
      for (const record of records) this.#answer(record);
      this.#report();
    }
    for (const outcome of this.#board.take()) await this.#options.onOutcome(outcome);
  }

  get #done(): boolean {
    return this.#ended.signal.aborted || this.#options.stop.aborted;
  }

  async #append(batch: readonly UploadInput[]): Promise<void> {
    const { log, topics, serdes, now } = this.#options;
    const settings = { topic: topics.uploads, serde: serdes.uploadCreated, now: now() };
    const records = batch.flatMap((input) => ('event' in input ? [uploadRecord(input.event, settings)] : []));
    this.#appending = true;
    const places = await log.append(records);
    let next = 0;
    for (const input of batch) {
      if ('error' in input) {
        const { code, message, stage = 'read' } = input.error;
        const answer = { status: 'rejected', uploadId: input.uploadId, code, stage, message } as const;
        this.#board.add({ uploadId: input.uploadId, answer });
        continue;
      }
      const place = places[next++];
      if (place === undefined)
        throw new FirstFiveError('INTERNAL', 'the log did not say where a record landed');
      this.#board.add({ uploadId: input.event.uploadId, source: sourceText(place) });
    }
    this.#appending = false;
    for (const record of this.#early.splice(0)) this.#answer(record);
    this.#published += batch.length;
    this.#report();
  }

  #answer(record: StreamRecord): void {
    const letter = parseDeadLetter(record);
    const source = sourceOf(letter?.origin ?? record);
    const uploadId = this.#board.waitingFor(source);
    if (uploadId === undefined) {
      if (this.#appending) this.#early.push(record);
      return;
    }
    if (letter !== undefined) {
      const { stage, message } = letter;
      const code = letter.code === 'UNKNOWN' ? 'INTERNAL' : letter.code;
      this.#board.answer(source, { status: 'rejected', uploadId, code, stage, message });
    } else if (record.value !== null) {
      const score = this.#options.serdes.coldStartScore.deserialize(record.value);
      // A base-rate score stands beside a dead letter, which says why: that is the answer.
      if (score.tier > 0) this.#board.answer(source, { status: 'scored', score });
    }
  }

  #report(): void {
    this.#changed.announce();
    this.#options.onProgress({
      published: this.#published,
      unanswered: this.#board.unanswered,
      allPublished: this.#allPublished,
    });
  }
}
