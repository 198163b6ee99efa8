/**
 * `up`: the topology until it is stopped.
 *
 * U1. SIGTERM and SIGINT drain and exit 0. A stage that ends by itself ends the process with its error: a supervisor
 *     (systemd, Kubernetes) starts it again.
 * U2. Telemetry starts before anything that measures, and ends last.
 */
import { join } from 'node:path';
import { createLogger } from '../adapters/telemetry/logger.ts';
import { type FirstFiveTelemetry, startTelemetry } from '../adapters/telemetry/telemetry.ts';
import type { Configuration } from '../config/load.ts';
import type { RunOptions } from '../config/options.ts';
import { canonicalJson, sha256Hex } from '../core/digest.ts';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Topology } from '../runtime/topology.ts';
import { openEngine } from './compose/engine.ts';
import { type Pipeline, startPipeline } from './compose/pipeline.ts';
import { stageHandler } from './compose/stage-handler.ts';
import type { CliContext } from './context.ts';
import { openLog, openSerdes, openStore } from './openers.ts';
import { packageVersion } from './package-version.ts';
import { configurationOf } from './run-flags.ts';

export interface UpFlags extends Readonly<Record<string, unknown>> {
  readonly stage?: string;
}

export async function upCommand(context: CliContext, flags: UpFlags): Promise<void> {
  const configured = await configurationOf(context, flags);
  const configuration = { ...configured, topology: onlyStages(configured.topology, flags.stage) };
  const { options } = configuration;
  const logger = createLogger({ level: options.logLevel });
  const telemetry = await startTelemetry({
    serviceVersion: await packageVersion(context.packageRoot),
    instance: String(options.replica),
    prometheus: true,
    ...(options.otlp === undefined ? {} : { otlp: options.otlp }),
    onProblem: (reason) => logger.warn({ reason }, 'telemetry is not delivered'),
  });
  try {
    await runUntilStopped(context, configuration, { telemetry, logger });
  } finally {
    await telemetry.shutdown();
  }
}

/** The topology with the named stages only; topics stay, so that any process may make them. */
function onlyStages(topology: Topology, names: string | undefined): Topology {
  if (names === undefined) return topology;
  const wanted = names.split(',').map((name) => name.trim());
  const known = topology.stages.map(({ name }) => name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new FirstFiveError(
      'USAGE',
      `topology ${topology.name} has no stage ${unknown}; it has ${known.join(', ')}`,
    );
  }
  return { ...topology, stages: topology.stages.filter(({ name }) => wanted.includes(name)) };
}

interface Observers {
  readonly telemetry: FirstFiveTelemetry;
  readonly logger: ReturnType<typeof createLogger>;
}

async function runUntilStopped(
  context: CliContext,
  { options, topology }: Configuration,
  { telemetry, logger }: Observers,
): Promise<void> {
  const stop = context.stopSignal();
  await using log = closing(await openLog(options.log, { context, delivery: topology.delivery }));
  const serdes = await openSerdes(options.registry, context.env);
  const store = await openStore(
    options.store,
    { files: { mediaRoots: options.mediaRoots }, places: options.mediaPlaces },
    context.env,
  );
  await using engine = closing(
    await openEngine({
      ...{ options, topology, store, cores: context.cores },
      journalPath: join(options.dataDir, 'attempts', `${options.replica}.log`),
      notice: (sentence) => logger.warn({}, sentence),
    }),
  );
  const pipeline = await startPipeline({
    topology,
    log: log.value,
    slot: String(options.replica),
    tablesDir: tablesDir(options),
    handlerOf: (stage) => stageHandler({ stage, serdes, engine: engine.value, now: context.now }),
    onSettled: (stage, { record, outcome, error }) => {
      if (error === undefined) return;
      const { topic, partition, offset } = record;
      const at = { stage: stage.name, topic, partition, offset: String(offset), outcome, step: error.stage };
      const what =
        outcome === 'retried' ? 'an upload will be tried again later' : 'an upload was dead-lettered';
      logger.warn({ ...at, code: error.code }, what);
    },
  });
  const { startManagement } = await import('../adapters/management/management-server.ts');
  await using management = closing(
    await startManagement({
      ...options.management,
      ...observed(pipeline, stop),
      metrics: () => telemetry.metricsText(),
    }),
  );
  context.stderr.write(
    `firstfive is up: ${topology.name}, bundle ${engine.value.bundle.label}, management http://${management.value.address}\n`,
  );
  logger.info({ topology: topology.name, bundle: engine.value.bundle.label, pid: process.pid }, 'started');
  const stopCleaning = cleanRegularly(log.value, (error) => {
    logger.warn({ code: error.code }, 'retention could not be applied');
  });
  const stopped = new Promise<undefined>((resolve) => {
    if (stop.aborted) resolve(undefined);
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const failure = await Promise.race([pipeline.ended(), stopped]);
  stopCleaning();
  logger.info({ reason: failure?.code ?? 'asked to' }, 'stopping');
  await pipeline.stop(failure === undefined ? options.drainMs : 0);
  if (failure !== undefined) throw failure;
}

/** A folder per log: what was emitted to one log says nothing of another. */
function tablesDir({ dataDir, log, topicPrefix }: RunOptions): string {
  const identity = canonicalJson({ log, topicPrefix });
  return join(dataDir, 'tables', sha256Hex(identity).slice(0, 12));
}

const CLEAN_INTERVAL_MS = 60_000;

/** Applies retention and compaction of the embedded log while the pipeline runs; a broker does so by itself. */
function cleanRegularly(log: Log, onFailure: (error: FirstFiveError) => void): () => void {
  const timer = setInterval(() => {
    log.admin.clean().catch((thrown: unknown) => onFailure(toFirstFiveError(thrown)));
  }, CLEAN_INTERVAL_MS);
  return () => clearInterval(timer);
}

function observed(pipeline: Pipeline, stop: AbortSignal) {
  return {
    health: () => pipeline.health(),
    ready: () => (stop.aborted ? { ready: false, reasons: ['stopping'] } : { ready: true, reasons: [] }),
  };
}

/** Anything with `close` as a resource of `await using`, so that what was opened is closed in reverse, come what may. */
function closing<T extends { close(): Promise<void> }>(value: T): AsyncDisposable & { readonly value: T } {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
