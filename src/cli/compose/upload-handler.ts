/**
 * The fused stage as a `RecordHandler`: an upload event in; features and a score out, frames and sound in memory between.
 *
 * H1. Each output carries its origin and its order in headers, so that readers need not decode it to place it.
 * H2. A tombstone is no upload: it is passed over, and leaves no output.
 * H3. A rejected upload whose identity can be read gets the base rate, so that ranking never waits for it.
 */
import { context, trace } from '@opentelemetry/api';
import type { Serdes } from '../../adapters/schemas/index.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { UploadFeatures } from '../../core/features.ts';
import type { OutputRecord, StreamRecord } from '../../core/record.ts';
import type { ColdStartScore } from '../../core/score.ts';
import type { Lane } from '../../core/upload.ts';
import type { HandlerContext, HandlerResult, RecordHandler } from '../../runtime/handler.ts';
import { outputHeaders } from '../../runtime/record-headers.ts';
import { traceHeaders } from '../../runtime/telemetry.ts';
import type { StageSpec } from '../../runtime/topology.ts';
import type { Engine } from './engine.ts';

export interface UploadHandlerOptions {
  readonly stage: StageSpec;
  readonly serdes: Serdes;
  readonly engine: Engine;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function uploadHandler({ stage, serdes, engine, now }: UploadHandlerOptions): RecordHandler {
  const { embed: featureTopic, score: rankingTopic } = stage.outputs;
  if (stage.steps.join() !== 'extract,embed,score' || rankingTopic === undefined) {
    throw new FirstFiveError(
      'TOPOLOGY_INVALID',
      `stage ${stage.name} runs ${stage.steps.join(', ')}; only extract, embed and score in one stage can run today`,
    );
  }

  function scoreOutput(source: StreamRecord, score: ColdStartScore, lane: Lane): OutputRecord {
    const { revision, tier } = score;
    return output(rankingTopic ?? '', source, {
      value: serdes.coldStartScore.serialize(score),
      timestamp: score.scoredAt,
      origin: { source, lane, revision, tier },
    });
  }

  function featureOutput(
    source: StreamRecord,
    features: UploadFeatures,
    lane: Lane,
  ): readonly OutputRecord[] {
    if (featureTopic === undefined) return [];
    const origin = { source, lane, revision: features.revision };
    return [
      output(featureTopic, source, {
        value: serdes.uploadEmbedded.serialize(features),
        timestamp: now(),
        origin,
      }),
    ];
  }

  async function handle(
    record: StreamRecord,
    { lane, signal, step }: HandlerContext,
  ): Promise<HandlerResult> {
    if (record.value === null) return { outputs: [] };
    step('decode-event');
    await serdes.uploadCreated.prepare(record.value);
    const event = serdes.uploadCreated.deserialize(record.value);
    step('extract');
    const extracted = await traced('extract', () => engine.extract.extract(event.media.uri, signal));
    step('embed');
    const features = await traced('embed', () => engine.embed.embed(event, extracted, { lane, signal }));
    step('score');
    const score = engine.score.score(features, { lane, scoredAt: now() });
    const { uploadId: id, revision, tier } = score;
    return {
      outputs: [...featureOutput(record, features, lane), scoreOutput(record, score, lane)],
      order: { id, revision, tier },
    };
  }

  function rejected(record: StreamRecord, error: FirstFiveError, lane: Lane): HandlerResult | undefined {
    const identity = record.value === null ? undefined : serdes.uploadCreated.identity(record.value);
    if (identity === undefined) return undefined;
    const { decoder, executionProvider } = engine;
    const moment = { lane, scoredAt: now(), decoderBuild: decoder.build, executionProvider };
    const score = engine.score.baseRate(identity, error.code, moment);
    return {
      outputs: [scoreOutput(record, score, lane)],
      order: { id: identity.uploadId, revision: identity.revision, tier: score.tier },
    };
  }

  return { handle, rejected };
}

interface OutputParts {
  readonly value: Uint8Array;
  readonly timestamp: number;
  readonly origin: Parameters<typeof outputHeaders>[0];
}

function output(
  topic: string,
  source: StreamRecord,
  { value, timestamp, origin }: OutputParts,
): OutputRecord {
  const headers = [...outputHeaders(origin), ...traceHeaders(context.active())];
  return { topic, timestamp, key: source.key, value, headers };
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
