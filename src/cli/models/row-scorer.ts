/**
 * Scores labelled rows as production would: text through the bundle's text graphs and the score step, media through the whole engine.
 *
 * R1. The engine (decoder children, inference workers) opens with the first row that has media, and not before.
 * R2. Inference without a decoder opens with the first row of text, for a bundle whose graphs read text; of its graphs those that
 *     read media stay closed.
 */
import type { Configuration } from '../../config/load.ts';
import { readsText, textPart } from '../../core/bundle-parts.ts';
import { planDigest } from '../../core/digest.ts';
import type { ColdStartScore } from '../../core/score.ts';
import { describeUpload, type UploadEvent, type UploadId, type UploadText } from '../../core/upload.ts';
import { createEmbedStage, type EmbedStage } from '../../stages/embed/embed-stage.ts';
import { openTextEncoders } from '../../stages/embed/text-encoders.ts';
import type { LoadedBundle } from '../../stages/model-repository.ts';
import { createScoreStage } from '../../stages/score/score-stage.ts';
import { openScoringHead } from '../../stages/score/scoring-head.ts';
import { textOnlyFeatures } from '../../stages/score/text-features.ts';
import { type Engine, openEngine } from '../compose/engine.ts';
import { openInference } from '../compose/parts.ts';
import type { CliContext } from '../context.ts';
import { openStore } from '../openers.ts';
import type { LabelledRow } from './labelled-rows.ts';

export interface RowScorer {
  /** Rejects with the pipeline's own error codes when a row's media cannot be scored. */
  score(row: LabelledRow): Promise<ColdStartScore>;
  close(): Promise<void>;
}

export interface RowScorerOptions extends Configuration {
  readonly bundle: LoadedBundle;
  readonly context: Pick<CliContext, 'cores' | 'env' | 'now'>;
}

export async function openRowScorer(scorer: RowScorerOptions): Promise<RowScorer> {
  const { bundle, context } = scorer;
  const now = context.now();
  const stage = createScoreStage({ bundle, head: await openScoringHead(bundle) });
  const producer = {
    bundle: bundle.label,
    bundleDigest: bundle.digest,
    planDigest: planDigest(bundle.manifest.extractionPlan),
    decoderBuild: 'none',
    executionProvider: 'none',
  };
  const moment = { lane: 'backfill', scoredAt: now } as const;
  let engine: Promise<Engine> | undefined;
  let reader: Promise<TextReader> | undefined;
  const scoreMedia = async (row: LabelledRow, uri: string) => {
    engine ??= openMediaEngine(scorer);
    const { extract, embed, score } = await engine;
    const event = uploadEvent(row, uri, now);
    const features = await embed.embed(describeUpload(event), await extract.extract(uri), {
      lane: 'backfill',
    });
    return score.score(features, moment);
  };
  return {
    score: async (row) => {
      if (row.uri !== undefined) return scoreMedia(row, row.uri);
      const identity = { uploadId: rowId(row), revision: 0, uploadedAt: now };
      const features = textOnlyFeatures(identity, row.text, producer);
      if (!readsText(bundle.manifest)) return stage.score(features, moment);
      reader ??= openTextReader(scorer);
      const { embed } = await reader;
      return stage.score({ ...features, ...(await embed.embedText(row.text, { lane: 'backfill' })) }, moment);
    },
    close: async () => {
      await Promise.all([engine, reader].map(async (opened) => (await opened)?.close()));
    },
  };
}

async function openMediaEngine({ options, topology, bundle, context }: RowScorerOptions): Promise<Engine> {
  const access = { files: { allowAnyFile: true }, places: options.mediaPlaces } as const;
  const store = await openStore(options.store, access, context.env);
  return openEngine({
    options,
    topology: { ...topology, bundle: bundle.label },
    store,
    cores: context.cores,
  });
}

interface TextReader {
  readonly embed: Pick<EmbedStage, 'embedText'>;
  close(): Promise<void>;
}

/** The embed step over the graphs that text reaches (R2). */
async function openTextReader({ options, topology, bundle, context }: RowScorerOptions): Promise<TextReader> {
  const part = { ...bundle, manifest: textPart(bundle.manifest) };
  const encoders = await openTextEncoders(bundle);
  const { runner, close } = await openInference(part, options, topology.inference, context.cores);
  return { embed: createEmbedStage({ bundle: part, runner, encoders }), close };
}

function uploadEvent(row: LabelledRow, uri: string, now: number): UploadEvent {
  const { title, description, caption }: UploadText = row.text;
  return {
    uploadId: rowId(row),
    revision: 0,
    media: { uri },
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    uploadedAt: now,
    attributes: caption === undefined ? {} : { caption },
  };
}

function rowId(row: LabelledRow): UploadId {
  return `row-${row.number}` as UploadId;
}
