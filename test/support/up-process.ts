/** `firstfive up` as a real process on a data folder of the test, and the log that both see. */
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { openLog, openSerdes } from '../../src/cli/openers.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { UploadEvent } from '../../src/core/upload.ts';
import type { Log, PartitionOffset } from '../../src/runtime/log.ts';
import { isAlive } from './child-processes.ts';
import { type CliResult, resultOf, spawnCli } from './cli-process.ts';
import { packageRoot, TOPICS, uploadRecord } from './embedded-run.ts';
import { until } from './until.ts';

export interface UpProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: () => string;
  /** `host:port` of the management server, once it is up. */
  readonly management: Promise<string>;
  readonly ended: Promise<CliResult>;
}

export interface Site {
  readonly folder: string;
  readonly mediaRoot: string;
  readonly log: Log;
  readonly serdes: Awaited<ReturnType<typeof openSerdes>>;
  media(name: string, bytes: Uint8Array): Promise<string>;
  publish(events: readonly UploadEvent[]): Promise<readonly PartitionOffset[]>;
  up(flags?: readonly string[]): UpProcess;
  /** End offset of a topic, summed over its partitions. */
  endOf(topic: string): Promise<number>;
}

/** A data folder with the topics made, removed when the test is over; whatever still runs on it then is ended. */
export async function newSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-up-'));
  const mediaRoot = join(folder, 'media');
  await mkdir(mediaRoot);
  const data = join(folder, 'data');
  const { options, topology } = await loadConfiguration({
    flags: { data },
    env: {},
    cwd: folder,
    packageRoot,
    cores: 2,
  });
  const log = await openLog(options.log, { synchronous: 'NORMAL' });
  await log.admin.ensureTopics(topology.topics);
  const serdes = await openSerdes(options.registry, {});
  const started: UpProcess[] = [];
  onTestFinished(async () => {
    for (const { child, ended } of started) {
      child.kill('SIGKILL');
      await ended;
    }
    await log.close();
    await rm(folder, { recursive: true });
  });
  return {
    folder,
    mediaRoot,
    log,
    serdes,
    media: async (name, bytes) => {
      await writeFile(join(mediaRoot, name), bytes);
      return pathToFileURL(join(mediaRoot, name)).href;
    },
    publish: (events) => log.append(events.map((event) => uploadRecord(event, serdes.uploadCreated))),
    up: (flags = []) => {
      const process = startUp(['--data', data, '--media-roots', mediaRoot, ...flags]);
      started.push(process);
      return process;
    },
    endOf: async (topic) => {
      const [description] = await log.admin.describeTopics([topic]);
      return description?.offsets.reduce((sum, { end }) => sum + Number(end), 0) ?? 0;
    },
  };
}

/** Everything published has been committed by the group. */
export async function isCaughtUp({ log }: Site, groupId: string): Promise<boolean> {
  const [description] = await log.admin.describeTopics([TOPICS.uploads]);
  const committed = await log.admin.committedOffsets(groupId);
  return (description?.offsets ?? []).every(({ start, end }, partition) => {
    const at = committed.find((one) => one.topic === TOPICS.uploads && one.partition === partition);
    return (at?.offset ?? start) >= end;
  });
}

export async function untilGone(pids: Iterable<number>): Promise<void> {
  const left = [...pids];
  await until(`the processes ${left.join(', ')} are gone`, () => !left.some(isAlive));
}

function startUp(flags: readonly string[]): UpProcess {
  const child = spawnCli(['up', ...flags]);
  let text = '';
  const management = Promise.withResolvers<string>();
  management.promise.catch(() => {});
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const address = /management http:\/\/(\S+)/.exec(text)?.[1];
    if (address !== undefined) management.resolve(address);
  });
  const ended = resultOf(child);
  void ended.then(({ status }) => management.reject(new Error(`up ended with ${status}: ${text}`)));
  return { pid: child.pid ?? 0, child, said: () => text, management: management.promise, ended };
}
