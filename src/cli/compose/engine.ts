/**
 * Everything that scoring an upload needs, opened once: bundle, decoder children, inference workers, stages.
 *
 * E1. When `openEngine` resolves, children are warm and sessions are warm: the first upload waits for nothing.
 * E2. What fails to open names what is missing; what was opened before it is closed again.
 */
import type { RunOptions } from '../../config/options.ts';
import { FirstFiveError } from '../../core/errors.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '../../core/extraction.ts';
import type { Step, Topology } from '../../runtime/topology.ts';
import { createEmbedStage, type EmbedStage } from '../../stages/embed/embed-stage.ts';
import { openTextEncoders } from '../../stages/embed/text-encoders.ts';
import type { Decoder } from '../../stages/extract/decoder.ts';
import { createExtractStage, type ExtractStage } from '../../stages/extract/extract-stage.ts';
import { createExtractionCache } from '../../stages/extract/extraction-cache.ts';
import type { LoadedBundle } from '../../stages/model-repository.ts';
import type { ObjectStore } from '../../stages/object-store.ts';
import { createScoreStage, type ScoreStage } from '../../stages/score/score-stage.ts';
import { openScoringHead } from '../../stages/score/scoring-head.ts';
import { mediaFolders, openDecoder } from './decoder.ts';
import { type Embedder, openBundle, openInference } from './parts.ts';

export interface Engine {
  readonly bundle: LoadedBundle;
  readonly store: ObjectStore;
  /** Of the decoder and of inference; `none` where the steps asked for do not need it. */
  readonly decoderBuild: string;
  readonly executionProvider: string;
  readonly extract: ExtractStage;
  readonly embed: EmbedStage;
  readonly score: ScoreStage;
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly options: RunOptions;
  readonly topology: Topology;
  readonly store: ObjectStore;
  readonly cores: number;
  readonly limits?: DecodeLimits;
  /** Further folders and files that decoders may open themselves, beside the store's folder and the media roots. */
  readonly readable?: readonly string[];
  /** Where deaths of decoders are kept; absent: nowhere. */
  readonly journalPath?: string;
  /** What is worse than it could be: one sentence each. */
  readonly notice?: (sentence: string) => void;
}

/** Opens what the topology's stages need: a process that only scores starts no decoder. */
export async function openEngine(settings: EngineOptions): Promise<Engine> {
  const { options, topology, store, cores, limits = DEFAULT_DECODE_LIMITS } = settings;
  const steps = new Set(topology.stages.flatMap((stage) => stage.steps));
  const bundle = await openBundle(options, topology.bundle);
  const head = await openScoringHead(bundle);
  const encoders = await openTextEncoders(bundle);
  const [decoder, embedder] = await bothOrNeither(
    steps.has('extract') ? openDecoder(decoderSettings(settings)) : absentDecoder(),
    steps.has('embed') ? openInference(bundle, options, topology.inference, cores) : absentEmbedder(),
  );
  return {
    bundle,
    store,
    decoderBuild: decoder.build,
    executionProvider: embedder.runner.executionProvider,
    extract: createExtractStage({
      store,
      decoder,
      plan: bundle.manifest.extractionPlan,
      limits,
      ...(topology.extractionCache === true ? { cache: createExtractionCache(store) } : {}),
    }),
    embed: createEmbedStage({ bundle, runner: embedder.runner, encoders }),
    score: createScoreStage({ bundle, head }),
    close: async () => {
      await Promise.all([decoder.close(), embedder.close()]);
    },
  };
}

function decoderSettings({ options, topology, readable = [], journalPath, notice }: EngineOptions) {
  const { decoder: choice, sandbox } = options;
  return {
    ...{ choice, sandbox, children: topology.decoders, readable: [...mediaFolders(options), ...readable] },
    ...(journalPath === undefined ? {} : { journalPath }),
    ...(notice === undefined ? {} : { notice }),
  };
}

async function absentDecoder(): Promise<Decoder> {
  return { build: 'none', extract: () => Promise.reject(notOpened('extract')), close: async () => {} };
}

async function absentEmbedder(): Promise<Embedder> {
  const run = () => Promise.reject(notOpened('embed'));
  return { runner: { executionProvider: 'none', run }, close: async () => {} };
}

function notOpened(step: Step): FirstFiveError {
  return new FirstFiveError('INTERNAL', `the engine was opened without the step ${step}`);
}

interface Closable {
  close(): Promise<void>;
}

/** Opens both at the same time; when one fails, the other is closed before the failure is passed on. */
async function bothOrNeither<A extends Closable, B extends Closable>(
  a: Promise<A>,
  b: Promise<B>,
): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value];
  if (first.status === 'fulfilled') await first.value.close();
  if (second.status === 'fulfilled') await second.value.close();
  throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason;
}
