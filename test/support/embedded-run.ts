/**
 * The whole pipeline in this process, as `up` composes it, on a log, a store and a media root in a folder of their own: what the
 * integration tests submit to and read from.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openFolderStore } from '../../src/adapters/objects-folder/folder-store.ts';
import { type Engine, openEngine } from '../../src/cli/compose/engine.ts';
import { type Pipeline, startPipeline } from '../../src/cli/compose/pipeline.ts';
import { stageHandler } from '../../src/cli/compose/stage-handler.ts';
import { openLog, openSerdes } from '../../src/cli/openers.ts';
import { readToEnd } from '../../src/cli/read-to-end.ts';
import { type Configuration, loadConfiguration } from '../../src/config/load.ts';
import { type DeadLetter, parseDeadLetter } from '../../src/core/dead-letter.ts';
import type { UploadFeatures } from '../../src/core/features.ts';
import type { OutputRecord, StreamRecord } from '../../src/core/record.ts';
import type { ColdStartScore } from '../../src/core/score.ts';
import type { UploadEvent, UploadId } from '../../src/core/upload.ts';
import type { Log, PartitionOffset } from '../../src/runtime/log.ts';
import { sourceOf } from '../../src/runtime/record-headers.ts';
import type { SettledRecord } from '../../src/runtime/stage-runner.ts';
import type { ObjectStore } from '../../src/stages/object-store.ts';
import { until } from './until.ts';

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

export const TOPICS = {
  uploads: 'media.upload.created.v1',
  features: 'media.upload.embedded.v1',
  scores: 'ranking.cold-start.v1',
  deadLetters: 'media.upload.dead-letter.v1',
} as const;

export interface EmbeddedOptions {
  /** What the engine becomes before the pipeline uses it: another decoder, say. */
  readonly refit?: (engine: Engine, store: ObjectStore) => Promise<Engine>;
  /** Flags of `up` that the run differs in. */
  readonly flags?: Parameters<typeof loadConfiguration>[0]['flags'];
}

export interface EmbeddedRun extends AsyncDisposable {
  /** Where `file:` uploads may lie. */
  readonly mediaRoot: string;
  readonly folder: string;
  readonly log: Log;
  readonly engine: Engine;
  readonly configuration: Configuration;
  readonly serdes: Awaited<ReturnType<typeof openSerdes>>;
  readonly settled: readonly SettledRecord[];
  /** Writes a file under the media root and returns its URI. */
  media(name: string, bytes: Uint8Array): Promise<string>;
  publish(events: readonly UploadEvent[]): Promise<readonly PartitionOffset[]>;
  append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]>;
  /** Resolves once so many records have been settled since the run began. */
  settle(count: number): Promise<void>;
  scores(): Promise<readonly Emitted<ColdStartScore>[]>;
  features(): Promise<readonly Emitted<UploadFeatures>[]>;
  letters(): Promise<readonly DeadLetter[]>;
}

export interface Emitted<T> {
  readonly record: StreamRecord;
  /** `topic/partition/offset` of the input. */
  readonly source: string;
  readonly value: T;
}

/** A title by default, so that scores differ; `uri` is a `file:` URI, a path or a key. */
export function uploadOf(uploadId: string, uri: string, change: Partial<UploadEvent> = {}): UploadEvent {
  const title = `clip ${uploadId} of a cat playing football`;
  return {
    uploadId: uploadId as UploadId,
    revision: 0,
    media: { uri },
    title,
    uploadedAt: 1_700_000_000_000,
    attributes: {},
    ...change,
  };
}

export async function startEmbeddedRun(options: EmbeddedOptions = {}): Promise<EmbeddedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-run-'));
  const mediaRoot = join(folder, 'media');
  await mkdir(mediaRoot);
  const configuration = await loadConfiguration({
    flags: { data: join(folder, 'data'), mediaRoots: mediaRoot, ...options.flags },
    env: {},
    cwd: folder,
    packageRoot,
    cores: 2,
  });
  const { options: resolved, topology } = configuration;
  const log = await openLog(resolved.log);
  const serdes = await openSerdes(resolved.registry, {});
  const store = openFolderStore({ root: join(folder, 'objects'), mediaRoots: resolved.mediaRoots });
  const opened = await openEngine({ options: resolved, topology, store, cores: 2 });
  const engine = (await options.refit?.(opened, store)) ?? opened;
  const settled: SettledRecord[] = [];
  const pipeline = await startPipeline({
    topology,
    log,
    slot: '0',
    tablesDir: join(folder, 'tables'),
    handlerOf: (stage) => stageHandler({ stage, serdes, engine, now: Date.now }),
    onSettled: (_stage, one) => settled.push(one),
  });
  const read = async <T>(topic: string, decode: (bytes: Uint8Array) => T) =>
    (await recordsOf(log, topic)).map((record) => emittedOf(record, decode));
  return {
    mediaRoot,
    folder,
    log,
    engine,
    configuration,
    serdes,
    settled,
    media: async (name, bytes) => {
      await writeFile(join(mediaRoot, name), bytes);
      return pathToFileURL(join(mediaRoot, name)).href;
    },
    publish: (events) => log.append(events.map((event) => uploadRecord(event, serdes.uploadCreated))),
    append: (records) => log.append(records),
    settle: (count) => settledOrFailed(pipeline, () => settled.length >= count),
    scores: () => read(TOPICS.scores, (bytes) => serdes.coldStartScore.deserialize(bytes)),
    features: () => read(TOPICS.features, (bytes) => serdes.uploadEmbedded.deserialize(bytes)),
    letters: async () => (await recordsOf(log, TOPICS.deadLetters)).map(requireLetter),
    [Symbol.asyncDispose]: async () => {
      await pipeline.stop(0);
      await engine.close();
      if (engine !== opened) await opened.close();
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function uploadRecord(
  event: UploadEvent,
  serde: { serialize(event: UploadEvent): Uint8Array },
): OutputRecord {
  return rawRecord(event.uploadId, serde.serialize(event));
}

export function rawRecord(key: string, value: Uint8Array | null): OutputRecord {
  return { topic: TOPICS.uploads, timestamp: 1_700_000_000_000, key: Buffer.from(key), value, headers: [] };
}

export async function recordsOf(log: Log, topic: string): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  for await (const record of readToEnd(log, topic)) records.push(record);
  return records;
}

/** Where an appended record lies, as outputs name their source. */
export function placeOf({ topic, partition, offset }: PartitionOffset): string {
  return `${topic}/${partition}/${offset}`;
}

async function settledOrFailed(pipeline: Pipeline, done: () => boolean): Promise<void> {
  const failed = pipeline.ended().then((failure) => {
    throw failure ?? new Error('the pipeline ended');
  });
  await Promise.race([until('all uploads are settled', done, { timeoutMs: 60_000 }), failed]);
}

function emittedOf<T>(record: StreamRecord, decode: (bytes: Uint8Array) => T): Emitted<T> {
  const source = sourceOf(record);
  if (record.value === null) throw new Error('an output without value or source');
  return { record, source, value: decode(record.value) };
}

function requireLetter(record: StreamRecord): DeadLetter {
  const letter = parseDeadLetter(record);
  if (letter === undefined) throw new Error('a record of the dead-letter topic that is no dead letter');
  return letter;
}
