/**
 * Any stage as a `RecordHandler`: its steps one after the other on what the record holds. A fused stage runs all three and
 * keeps frames and sound in memory; a stage of one step hands over through its topic.
 *
 * H1. Each output carries its origin and its order in headers, so that readers need not decode it to place it.
 * H2. A tombstone is no upload: it is passed over, and leaves no output. One that says `ff-rejected` stands for an upload
 *     that an earlier stage gave up; it travels on to the score step.
 * H3. A rejected upload whose identity can be read gets the base rate, so that ranking never waits for it. The stage that
 *     scores emits it, since that one knows the emission order.
 */
import { context, trace } from '@opentelemetry/api';
import type { Serdes } from '../../adapters/schemas/index.ts';
import { planDigest } from '../../core/digest.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { OutputRecord, StreamRecord } from '../../core/record.ts';
import { describeUpload, type Lane, type UploadIdentity } from '../../core/upload.ts';
import type { HandlerContext, HandlerResult, RecordHandler } from '../../runtime/handler.ts';
import { type OutputOrigin, outputHeaders, rejectionOf } from '../../runtime/record-headers.ts';
import { traceHeaders } from '../../runtime/telemetry.ts';
import type { StageSpec, Step } from '../../runtime/topology.ts';
import type { Engine } from './engine.ts';
import { uploadOf, type Work, workCodec } from './work.ts';

export interface StageHandlerOptions {
  readonly stage: StageSpec;
  readonly serdes: Serdes;
  readonly engine: Engine;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function stageHandler({ stage, serdes, engine, now }: StageHandlerOptions): RecordHandler {
  const plan = planDigest(engine.bundle.manifest.extractionPlan);
  const codec = workCodec({ serdes, store: engine.store, planDigest: plan });
  const [first = 'extract'] = stage.steps;
  const lastTopic = stage.outputs[stage.steps.at(-1) ?? 'score'];

  async function handle(record: StreamRecord, attempt: HandlerContext): Promise<HandlerResult> {
    if (record.value === null) {
      const rejection = rejectionOf(record);
      return rejection === undefined
        ? { outputs: [] }
        : givenUp(record, rejection.identity, rejection.code, attempt.lane);
    }
    attempt.step('read');
    let work = await codec.read(first, record.value, attempt.signal);
    const outputs: OutputRecord[] = [];
    for (const step of stage.steps) {
      attempt.step(step);
      const moment = { lane: attempt.lane, signal: attempt.signal, scoredAt: now() };
      work = await traced(step, () => engineStep(engine, step, work, moment));
      const topic = stage.outputs[step];
      if (topic === undefined || work.done === 'nothing') continue;
      const value = await codec.write(work, attempt.signal);
      outputs.push(
        outputRecord(topic, { value, timestamp: now(), origin: originOf(record, work, attempt.lane) }),
      );
    }
    if (work.done === 'nothing') return { outputs };
    return { outputs, order: orderOf(work.done === 'score' ? work.score : { ...uploadOf(work), tier: 0 }) };
  }

  function rejected(
    record: StreamRecord,
    error: { readonly code: ErrorCode },
    lane: Lane,
  ): HandlerResult | undefined {
    const earlier = rejectionOf(record);
    const identity = record.value === null ? earlier?.identity : codec.identity(first, record.value);
    return identity === undefined ? undefined : givenUp(record, identity, error.code, lane);
  }

  /** H3: the base rate where this stage scores, else word of the rejection to the next stage. */
  function givenUp(
    source: StreamRecord,
    identity: UploadIdentity,
    code: ErrorCode,
    lane: Lane,
  ): HandlerResult {
    if (lastTopic === undefined) return { outputs: [] };
    const { revision, uploadedAt } = identity;
    if (!stage.steps.includes('score')) {
      const origin = { source, lane, revision, rejection: { code, uploadedAt } };
      return {
        outputs: [outputRecord(lastTopic, { value: null, timestamp: now(), origin })],
        order: orderOf({ ...identity, tier: 0 }),
      };
    }
    const { decoderBuild, executionProvider } = engine;
    const score = engine.score.baseRate(identity, code, {
      lane,
      scoredAt: now(),
      decoderBuild,
      executionProvider,
    });
    const origin = { source, lane, revision, tier: score.tier };
    const value = serdes.coldStartScore.serialize(score);
    return {
      outputs: [outputRecord(lastTopic, { value, timestamp: score.scoredAt, origin })],
      order: orderOf(score),
    };
  }

  return { handle, rejected };
}

interface StepMoment {
  readonly lane: Lane;
  readonly signal: AbortSignal;
  readonly scoredAt: number;
}

async function engineStep(engine: Engine, step: Step, work: Work, moment: StepMoment): Promise<Work> {
  if (step === 'extract' && work.done === 'nothing') {
    const media = await engine.extract.extract(work.event.media.uri, moment.signal);
    return { done: 'extract', upload: describeUpload(work.event), media };
  }
  if (step === 'embed' && work.done === 'extract') {
    return { done: 'embed', features: await engine.embed.embed(work.upload, work.media, moment) };
  }
  if (step === 'score' && work.done === 'embed') {
    return { done: 'score', score: engine.score.score(work.features, moment) };
  }
  throw new TypeError(`${step} cannot follow ${work.done}`);
}

function originOf(source: StreamRecord, work: Work, lane: Lane): OutputOrigin {
  const { revision } = uploadOf(work);
  return { source, lane, revision, ...(work.done === 'score' ? { tier: work.score.tier } : {}) };
}

function orderOf({ uploadId, revision, tier }: UploadIdentity & { readonly tier: number }) {
  return { id: uploadId, revision, tier };
}

interface OutputParts {
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly origin: OutputOrigin;
}

function outputRecord(topic: string, { value, timestamp, origin }: OutputParts): OutputRecord {
  const headers = [...outputHeaders(origin), ...traceHeaders(context.active())];
  return { topic, timestamp, key: origin.source.key, value, headers };
}

/** A span around one step, child of the record's. Free without an SDK. */
async function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  return trace.getTracer('firstfive').startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}
