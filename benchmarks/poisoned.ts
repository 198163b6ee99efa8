/**
 * A stream with 1 % undecodable files, 1 % missing ones and 1 % that kill their decoder, against the same stream without them:
 * good uploads a second, through what `up` runs on the embedded log (synchronous=FULL).
 *
 * Twice. "work from memory": 10,000 events whose decode and inference are a fixed wait each (bad ones fail as the real ones do, a
 * crash after the time that a child's death takes); everything else is real, so this is what failures cost the runtime. "real
 * decoding": fewer events, the sample clips through decode children that really crash, and real inference.
 *
 * Every run is checked: good events scored once, bad ones in the dead letters once, with bytes, origin and code.
 *
 * FIRSTFIVE_BENCH_RECORDS sets the number of events (10,000), a twentieth of it is decoded; FIRSTFIVE_BENCH_SAMPLES the samples (3).
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLibavDecoder } from '../src/adapters/media-libav/decoder.ts';
import type { Engine } from '../src/cli/compose/engine.ts';
import { startPipeline } from '../src/cli/compose/pipeline.ts';
import { stageHandler } from '../src/cli/compose/stage-handler.ts';
import { openSerdes, openStore } from '../src/cli/openers.ts';
import { type Configuration, loadConfiguration } from '../src/config/load.ts';
import { FirstFiveError } from '../src/core/errors.ts';
import { DEFAULT_DECODE_LIMITS } from '../src/core/extraction.ts';
import { describeUpload } from '../src/core/upload.ts';
import type { DecodeRequest } from '../src/stages/extract/decoder.ts';
import { createExtractStage } from '../src/stages/extract/extract-stage.ts';
import {
  type BadMedia,
  badMedia,
  endsOf,
  type Published,
  poisoned,
  requireAllEnded,
} from './lib/poisoned-stream.ts';
import { summary } from './lib/summary.ts';
import { openUpParts, sampleUploads, type UpParts } from './lib/up-parts.ts';
import type { BenchResult } from './report.ts';

export const description =
  'good uploads a second in a stream with 3 % bad ones (undecodable, missing, crashing), against a clean stream';

const EVENTS = Number(process.env.FIRSTFIVE_BENCH_RECORDS ?? 10_000);
const DECODED = Math.max(100, Math.round(EVENTS / 20));
const SAMPLES = Number(process.env.FIRSTFIVE_BENCH_SAMPLES ?? 3);
/** Of one upload, from memory; and what passes until the death of a child is seen. */
const WORK_MS = 5;
const CRASH_MS = 100;

const packageRoot = fileURLToPath(new URL('../', import.meta.url));

interface Scene {
  readonly parts: UpParts;
  readonly engine: Engine;
  readonly configuration: Configuration;
  readonly serdes: Awaited<ReturnType<typeof openSerdes>>;
  readonly bad: BadMedia;
}

export async function run(): Promise<BenchResult[]> {
  const parts = await openUpParts();
  try {
    const bad = await badMedia(
      join(parts.dataDir, 'bad'),
      await readFile(join(packageRoot, 'samples', 'bunny.mp4')),
    );
    const configuration = await loadConfiguration({
      flags: { data: parts.dataDir, mediaRoots: `${parts.mediaRoot}:${join(parts.dataDir, 'bad')}` },
      ...{ env: {}, cwd: parts.dataDir, packageRoot, cores: availableParallelism() },
    });
    const serdes = await openSerdes(configuration.options.registry, {});
    const scene = { parts, configuration, serdes, bad, engine: parts.engine };
    const memory = { ...scene, engine: await fromMemory(parts) };
    const results = await compared(memory, EVENTS, 'work from memory');
    const decoding = await reallyDecoding(scene);
    try {
      results.push(...(await compared(decoding, DECODED, 'real decoding')));
    } finally {
      await decoding.close();
    }
    return results;
  } finally {
    await parts.close();
  }
}

/** Clean and poisoned samples alternate; one round warms up. */
async function compared(scene: Scene, count: number, what: string): Promise<BenchResult[]> {
  const rates: Record<'clean' | 'poisoned', number[]> = { clean: [], poisoned: [] };
  await goodPerSecond(scene, Math.min(count, 200), undefined, `${what}-warm`);
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (const [name, bad] of [
      ['clean', undefined],
      ['poisoned', scene.bad],
    ] as const)
      rates[name].push(await goodPerSecond(scene, count, bad, `${what}-${name}-${sample}`));
  }
  const share = rates.poisoned.map((rate, i) => (100 * rate) / (rates.clean[i] ?? Number.NaN));
  return [
    summary(`${what}, ${count} events: clean stream`, 'good uploads/s', rates.clean),
    summary(`${what}, ${count} events: poisoned stream`, 'good uploads/s', rates.poisoned),
    summary(`${what}: poisoned stream against the clean one`, '%', share),
  ];
}

async function goodPerSecond(
  scene: Scene,
  count: number,
  bad: BadMedia | undefined,
  prefix: string,
): Promise<number> {
  const published = await publish(scene, count, bad, prefix.replaceAll(' ', '-'));
  const { parts, engine, serdes, configuration } = scene;
  let settled = 0;
  const startedAt = performance.now();
  const pipeline = await startPipeline({
    topology: configuration.topology,
    log: parts.log,
    slot: '0',
    tablesDir: join(parts.dataDir, 'tables'),
    handlerOf: (stage) => stageHandler({ stage, serdes, engine, now: Date.now }),
    onSettled: () => {
      settled += 1;
    },
  });
  while (settled < count) await Promise.race([delay(10), ended(pipeline.ended())]);
  const seconds = (performance.now() - startedAt) / 1_000;
  await pipeline.stop(0);
  await requireAllEnded(parts, published);
  return published.stream.filter(({ code }) => code === undefined).length / seconds;
}

async function ended(failure: Promise<FirstFiveError | undefined>): Promise<never> {
  throw (await failure) ?? new Error('the pipeline ended by itself');
}

async function publish(
  { parts, serdes, configuration }: Scene,
  count: number,
  bad: BadMedia | undefined,
  prefix: string,
): Promise<Published> {
  const [stage] = configuration.topology.stages;
  if (stage === undefined) throw new Error('the topology has no stage');
  const stream = poisoned(await sampleUploads(count, prefix), bad);
  const records = stream.map(({ event }) => ({
    ...{ topic: stage.input, timestamp: Date.now(), key: Buffer.from(event.uploadId), headers: [] },
    value: serdes.uploadCreated.serialize(event),
  }));
  const from = await endsOf(parts.log, [stage.outputs.score ?? '', stage.deadLetters]);
  return { stream, records, from, places: await parts.log.append(records) };
}

/** Decode and inference as a wait, with the answer of one real upload; bad media fail with the codes that they have. */
async function fromMemory({ engine }: UpParts): Promise<Engine> {
  const [sample] = await sampleUploads(1, 'canned');
  if (sample === undefined) throw new Error('there is no sample');
  const media = await engine.extract.extract(sample.media.uri);
  const features = await engine.embed.embed(describeUpload(sample), media);
  const extract = async (uri: string) => {
    if (uri.includes('missing')) throw new FirstFiveError('MEDIA_NOT_FOUND', 'there is no such file');
    await delay(WORK_MS);
    if (uri.includes('undecodable')) throw new FirstFiveError('MEDIA_UNSUPPORTED', 'no known container');
    if (uri.includes('crashing')) {
      await delay(CRASH_MS);
      throw new FirstFiveError('DECODE_CRASHED', 'the decoder died');
    }
    return media;
  };
  return {
    ...engine,
    extract: { extract },
    embed: { ...engine.embed, embed: async (upload) => ({ ...features, ...upload }) },
  };
}

/** Children of the real decoder, which die of the crashing file by SIGSEGV. */
async function reallyDecoding(scene: Scene): Promise<Scene & { close(): Promise<void> }> {
  const { options } = scene.configuration;
  const faults = ({ object }: DecodeRequest) => (object.uri.includes('crashing') ? 'segv' : undefined);
  const decoder = await createLibavDecoder({ children: availableParallelism(), faults });
  const store = await openStore(options.store, { files: { mediaRoots: options.mediaRoots }, places: [] }, {});
  const plan = scene.engine.bundle.manifest.extractionPlan;
  const extract = createExtractStage({ store, decoder, plan, limits: DEFAULT_DECODE_LIMITS });
  return {
    ...scene,
    engine: { ...scene.engine, decoderBuild: decoder.build, extract },
    close: () => decoder.close(),
  };
}
