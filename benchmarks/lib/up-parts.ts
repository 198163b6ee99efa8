/** What `up` is made of, opened here in the same way, on a folder of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startTelemetry } from '../../src/adapters/telemetry/telemetry.ts';
import { type Engine, openEngine } from '../../src/cli/compose/engine.ts';
import { type Pipeline, startPipeline } from '../../src/cli/compose/pipeline.ts';
import { stageHandler } from '../../src/cli/compose/stage-handler.ts';
import { openLog, openSerdes, openStore } from '../../src/cli/openers.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { UploadEvent, UploadId } from '../../src/core/upload.ts';
import type { Log } from '../../src/runtime/log.ts';

export interface UpParts {
  readonly log: Log;
  readonly engine: Engine;
  /** For a command of another process on the same log. */
  readonly dataDir: string;
  readonly mediaRoot: string;
  /** Uploads that the pipeline works on at once. */
  readonly concurrency: number;
  /** Uploads settled since the pipeline was started. */
  readonly settled: () => number;
  start(): Promise<Pipeline>;
  publish(events: readonly UploadEvent[]): Promise<void>;
  close(): Promise<void>;
}

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
const samples = join(packageRoot, 'samples');

/** `mediaRoot`: the folder that uploads are read from; the samples by default. */
export async function openUpParts(mediaRoot = samples): Promise<UpParts> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-bench-'));
  const { options, topology } = await loadConfiguration({
    flags: { data: join(folder, 'data'), mediaRoots: mediaRoot },
    env: {},
    cwd: folder,
    packageRoot,
    cores: availableParallelism(),
  });
  const telemetry = await startTelemetry({
    ...{ serviceVersion: 'benchmark', instance: '0', prometheus: true, onProblem: () => {} },
  });
  const log = await openLog(options.log);
  const serdes = await openSerdes(options.registry, {});
  const store = await openStore(options.store, { files: { mediaRoots: options.mediaRoots }, places: [] }, {});
  const engine = await openEngine({ options, topology, store, cores: availableParallelism() });
  await log.admin.ensureTopics(topology.topics);
  const topic = topology.stages[0]?.input ?? '';
  let settled = 0;
  return {
    log,
    engine,
    dataDir: options.dataDir,
    mediaRoot,
    concurrency: topology.stages[0]?.intake.concurrency ?? 1,
    settled: () => settled,
    start: () => {
      settled = 0;
      return startPipeline({
        topology,
        log,
        slot: '0',
        tablesDir: join(options.dataDir, 'tables'),
        handlerOf: (stage) => stageHandler({ stage, serdes, engine, now: Date.now }),
        onSettled: (_stage, { error }) => {
          if (error !== undefined) throw error;
          settled += 1;
        },
      });
    },
    publish: async (events) => {
      const records = events.map((event) => ({
        ...{ topic, timestamp: Date.now(), key: Buffer.from(event.uploadId), headers: [] },
        value: serdes.uploadCreated.serialize(event),
      }));
      await log.append(records);
    },
    close: async () => {
      await engine.close();
      await log.close();
      await telemetry.shutdown();
      await rm(folder, { recursive: true });
    },
  };
}

/** The sample clips in turn, each time as another upload. */
export async function sampleUploads(count: number, prefix: string): Promise<UploadEvent[]> {
  const rows = (await readFile(join(samples, 'uploads.jsonl'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '');
  return Array.from({ length: count }, (_, i) => {
    const row = JSON.parse(rows[i % rows.length] ?? '') as { media: { uri: string }; title?: string };
    return {
      uploadId: `${prefix}-${i}` as UploadId,
      revision: 0,
      media: { uri: pathToFileURL(join(samples, row.media.uri)).href },
      title: `${row.title ?? 'untitled'} ${i}`,
      uploadedAt: Date.now(),
      attributes: {},
    };
  });
}
