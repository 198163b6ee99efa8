/** `score` and `demo`: a private log unless one is named, the topology beside it, answers on stdout. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '../../config/load.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Topology } from '../../runtime/topology.ts';
import { openEngine } from '../compose/engine.ts';
import { startPipeline } from '../compose/pipeline.ts';
import { stageHandler } from '../compose/stage-handler.ts';
import type { CliContext } from '../context.ts';
import { readUploadInputs, type UploadInput } from '../inputs/upload-inputs.ts';
import { openSerdes, openStore, withLog } from '../openers.ts';
import { painterFor } from '../output/paint.ts';
import { openProgress, type ProgressLine } from '../output/progress-line.ts';
import { scoreLine } from '../output/score-line.ts';
import { outcomeJson, type ScoreOutcome } from '../output/score-outcome.ts';
import { scoreTable } from '../output/score-table.ts';
import { columnsOf, writeJson, writeLine } from '../output/streams.ts';
import { configurationOf } from '../run-flags.ts';
import { scoreUploads } from './score-uploads.ts';

type Flags = Readonly<Record<string, unknown>>;

export interface ScoreFlags extends Flags {
  readonly from?: string;
  readonly json?: boolean;
}

export async function scoreCommand(
  context: CliContext,
  media: readonly string[],
  flags: ScoreFlags,
): Promise<void> {
  const { cwd, stdin } = context;
  const inputs = readUploadInputs({ media, from: flags.from, cwd, stdin, now: context.now() });
  await scoreInputs(context, flags, inputs);
}

export async function demoCommand(context: CliContext, flags: Flags): Promise<void> {
  const from = join(context.packageRoot, 'samples', 'uploads.jsonl');
  const { cwd, stdin } = context;
  const started = performance.now();
  const outcomes = await scoreInputs(
    context,
    flags,
    readUploadInputs({ media: [], from, cwd, stdin, now: context.now() }),
    true,
  );
  if (flags.json !== true) await explainDemo(context, outcomes, performance.now() - started);
  if (outcomes.some(({ status }) => status === 'rejected')) context.setExitCode(1);
}

async function scoreInputs(
  context: CliContext,
  flags: Flags,
  inputs: AsyncGenerator<UploadInput>,
  keep = context.stdout.isTTY === true && flags.json !== true,
): Promise<readonly ScoreOutcome[]> {
  const configuration = await configurationOf(context, flags);
  // The first input before anything is opened: a wrong command line is answered at once.
  const first = await inputs.next();
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-'));
  const answers = new AnswerWriter(context, { json: flags.json === true, keep });
  try {
    await runOnce(context, configuration, { folder, inputs: resumed(first, inputs), answers });
    await answers.end();
    const { aborted, reason } = context.stopSignal();
    // A reader that has left wanted no more answers; a signal cut them short.
    if (aborted && reason !== 'EPIPE') {
      await writeLine(context.stderr, 'firstfive: stopped before every upload was answered');
      context.setExitCode(1);
    }
    return answers.kept;
  } finally {
    answers.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly folder: string;
  readonly inputs: AsyncIterable<UploadInput>;
  readonly answers: AnswerWriter;
}

async function runOnce(
  context: CliContext,
  { options, topology }: Configuration,
  { folder, inputs, answers }: Run,
): Promise<void> {
  const asked = (key: 'log' | 'store') => options.origins[key] !== 'default';
  const place = asked('log') ? options.log : ({ kind: 'sqlite', path: join(folder, 'log.sqlite') } as const);
  const storePlace = asked('store')
    ? options.store
    : ({ kind: 'folder', path: join(folder, 'store') } as const);
  const serdes = await openSerdes(options.registry, context.env);
  const store = await openStore(
    storePlace,
    { files: { allowAnyFile: true }, places: asked('store') ? options.mediaPlaces : [] },
    context.env,
  );
  const engine = await openEngine({ options, topology, store, cores: context.cores });
  try {
    const work = async (log: Log) => {
      await log.admin.ensureTopics(topology.topics);
      await scoreUploads({
        log,
        inputs,
        topics: topicsOf(topology),
        serdes,
        startPipeline: (onSettled) =>
          startPipeline({
            topology,
            log,
            slot: String(options.replica),
            handlerOf: (stage) => stageHandler({ stage, serdes, engine, now: context.now }),
            onSettled: (_stage, settled) => onSettled(settled),
          }),
        onOutcome: (outcome) => answers.write(outcome),
        onProgress: (progress) => answers.progress(progress),
        now: context.now,
        stop: context.stopSignal(),
      });
    };
    // A private log is gone after the run: waiting for the disk at each commit would buy nothing.
    await withLog(place, asked('log') ? { context } : { synchronous: 'NORMAL' }, work);
  } finally {
    await engine.close();
  }
}

function topicsOf({ name, stages }: Topology) {
  const extract = stages.find((stage) => stage.steps.includes('extract'));
  const score = stages.find((stage) => stage.outputs.score !== undefined);
  if (extract === undefined || score?.outputs.score === undefined) {
    throw new FirstFiveError('CONFIG_INVALID', `topology ${name} does not lead from uploads to scores`);
  }
  return { uploads: extract.input, scores: score.outputs.score, deadLetters: extract.deadLetters };
}

/** Prints answers in the form asked for: JSON lines or plain lines as they come, a table at the end on a terminal. */
class AnswerWriter {
  /** What a table or a summary still needs; a run of any length that prints lines keeps nothing. */
  readonly kept: ScoreOutcome[] = [];
  readonly #context: CliContext;
  readonly #json: boolean;
  readonly #keep: boolean;
  readonly #progress: ProgressLine;
  #done = 0;
  #failed = 0;

  constructor(context: CliContext, { json, keep }: { readonly json: boolean; readonly keep: boolean }) {
    this.#context = context;
    this.#json = json;
    this.#keep = keep;
    this.#progress = openProgress({
      stream: context.stderr,
      label: 'scoring',
      noun: 'uploads',
      enabled: true,
    });
  }

  async write(outcome: ScoreOutcome): Promise<void> {
    this.#done += 1;
    if (outcome.status === 'rejected') this.#failed += 1;
    const { stdout } = this.#context;
    this.#progress.clear();
    if (this.#keep) this.kept.push(outcome);
    if (this.#json) return writeJson(stdout, outcomeJson(outcome));
    if (stdout.isTTY !== true) await writeLine(stdout, scoreLine(outcome));
  }

  progress({
    published,
    unanswered,
    allPublished,
  }: {
    published: number;
    unanswered: number;
    allPublished: boolean;
  }) {
    const total = allPublished ? published : undefined;
    this.#progress.update({ done: this.#done, failed: this.#failed, inWork: unanswered, total });
  }

  async end(): Promise<void> {
    this.close();
    const { stdout, env } = this.#context;
    if (this.#json || stdout.isTTY !== true) return;
    const lines = scoreTable(this.kept, { columns: columnsOf(stdout), paint: painterFor(stdout, env) });
    for (const line of lines) await writeLine(stdout, line);
  }

  close(): void {
    this.#progress.close();
  }
}

async function explainDemo(
  context: CliContext,
  outcomes: readonly ScoreOutcome[],
  ms: number,
): Promise<void> {
  const scored = outcomes.flatMap((outcome) => (outcome.status === 'scored' ? [outcome.score] : []));
  const [first] = scored;
  const seconds = (ms / 1000).toFixed(1);
  const { stderr } = context;
  await writeLine(stderr, '');
  await writeLine(stderr, `${scored.length} of ${outcomes.length} clips scored in ${seconds} s.`);
  if (first === undefined) return;
  const { alpha, beta, ticket, bundle } = first;
  await writeLine(
    stderr,
    `ecr is P(watch > 5 s) before the first viewer. ${first.uploadId} starts from Beta(${alpha.toFixed(1)}, ${beta.toFixed(1)}); ` +
      `${ticket.impressions} impressions would pin its own rate down to +-0.05.`,
  );
  await writeLine(stderr, `Bundle ${bundle}; not calibrated: no outcomes of a platform have been seen yet.`);
}

async function* resumed<T>(first: IteratorResult<T>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
