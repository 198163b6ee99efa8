/**
 * `kill -9` of a real `firstfive up`, again and again, while uploads stream in: nothing is lost, nothing is doubled, order per upload
 * holds, and no decode child outlives its parent.
 *
 * The moments of the kills are spread over the whole life of a process: its start, the middle of a batch, a commit. The
 * seed is printed; FIRSTFIVE_TEST_SEED repeats a run, FIRSTFIVE_TEST_ROUNDS sets the number of kills.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parseDeadLetter } from '../../src/core/dead-letter.ts';
import { seededRandom } from '../../src/core/random.ts';
import { headerText, type StreamRecord } from '../../src/core/record.ts';
import { childrenOf } from '../support/child-processes.ts';
import { placeOf, TOPICS, uploadOf } from '../support/embedded-run.ts';
import { aviBytes, wavBytes, y4mBytes } from '../support/tiny-media.ts';
import { until } from '../support/until.ts';
import { isCaughtUp, newSite, type Site, type UpProcess, untilGone } from '../support/up-process.ts';

const ROUNDS = Number(process.env.FIRSTFIVE_TEST_ROUNDS ?? (process.env.FIRSTFIVE_TEST_LONG ? 60 : 20));
const SEED = Number(process.env.FIRSTFIVE_TEST_SEED ?? Date.now() % 1_000_000);
const GROUP = 'firstfive.cold-start.cold-start';
/** Fewer uploads than inputs: most come back with a higher revision, in later rounds too. */
const UPLOADS = 25;
/** Media that is not there: a dead letter and a base-rate score. */
const ABSENT = 'file:///nowhere/at-all.mp4';

/** While it starts, at any time while it works, at the first sign of a commit, some time after one. */
type Moment = 'start' | 'batch' | 'commit' | 'after';
const MOMENTS: readonly Moment[] = ['start', 'batch', 'commit', 'after', 'commit'];

interface Input {
  readonly uploadId: string;
  readonly revision: number;
  readonly source: string;
  readonly lost: boolean;
}

describe('a pipeline killed at any moment', () => {
  it(`scores each upload exactly once over ${ROUNDS} kills (seed ${SEED})`, {
    timeout: 15 * 60_000,
  }, async () => {
    process.stderr.write(`crash test: ${ROUNDS} rounds, FIRSTFIVE_TEST_SEED=${SEED}\n`);
    const random = seededRandom(SEED);
    const site = await newSite();
    const stream = await uploadStream(site, random);
    const consumer = await newConsumer(site);
    const orphans = new Set<number>();
    const reached: Record<Moment, number> = { start: 0, batch: 0, commit: 0, after: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      await stream.publish(6);
      const moment = MOMENTS[round % MOMENTS.length] ?? 'start';
      const up = site.up();
      await untilMoment(moment, up, { site, random, stream });
      for (const pid of childrenOf(up.pid)) orphans.add(pid);
      up.child.kill('SIGKILL');
      expect((await up.ended).status, up.said()).toBe('SIGKILL');
      reached[moment] += 1;
      await consumer.read();
    }
    expect(Math.min(...Object.values(reached))).toBeGreaterThan(0);
    await finish(site, consumer);
    await untilGone(orphans);
    expect(orphans.size).toBeGreaterThan(0);
    expectExactlyOnce(consumer.seen, stream.inputs);
    expectOrder(consumer.seen(TOPICS.scores));
  });
});

/** What a consumer has seen from the beginning on: each record once, also those that compaction takes away later. */
interface Consumer {
  read(): Promise<void>;
  seen(topic: string): readonly StreamRecord[];
}

async function newConsumer({ log }: Site): Promise<Consumer> {
  const reader = await log.openReader([TOPICS.scores, TOPICS.features, TOPICS.deadLetters], {
    at: 'beginning',
  });
  const records: StreamRecord[] = [];
  return {
    read: async () => {
      for (let more = true; more; ) {
        const batch = await reader.next({ maxRecords: 1_000, maxBytes: 1 << 24, maxWaitMs: 0 });
        records.push(...batch);
        more = batch.length > 0;
      }
    },
    seen: (topic) => records.filter((record) => record.topic === topic),
  };
}

/** The last process: works off what is left, is asked to stop, and leaves nothing in flight. */
async function finish(site: Site, consumer: Consumer): Promise<void> {
  const last = site.up();
  const done = async () => {
    await consumer.read();
    return isCaughtUp(site, GROUP);
  };
  await until('everything is committed', done, { timeoutMs: 120_000 });
  last.child.kill('SIGTERM');
  expect((await last.ended).status, last.said()).toBe(0);
  await consumer.read();
}

function expectExactlyOnce(seen: Consumer['seen'], inputs: readonly Input[]): void {
  const sourcesOf = (topic: string) => seen(topic).map(({ headers }) => headerText(headers, 'ff-source'));
  const wanted = inputs.map(({ source }) => source);
  expect(sourcesOf(TOPICS.scores).sort()).toEqual(wanted.sort());
  const kept = inputs.filter(({ lost }) => !lost).map(({ source }) => source);
  expect(sourcesOf(TOPICS.features).sort()).toEqual(kept.sort());
  const letters = seen(TOPICS.deadLetters).map((record) => {
    const { topic = '', partition = 0, offset = 0n } = parseDeadLetter(record)?.origin ?? {};
    return placeOf({ topic, partition, offset });
  });
  const lost = inputs.filter((input) => input.lost).map(({ source }) => source);
  expect(letters.sort()).toEqual(lost.sort());
  for (const { headers } of seen(TOPICS.scores)) {
    const source = headerText(headers, 'ff-source') ?? '';
    expect(headerText(headers, 'ff-tier'), source).toBe(lost.includes(source) ? '0' : '1');
  }
}

/** Inputs of one upload were published with rising revisions, so its scores rise too; and offsets of one partition do. */
function expectOrder(scores: readonly StreamRecord[]): void {
  const revisions = new Map<string, number>();
  const offsets = new Map<number, bigint>();
  for (const { key, partition, headers } of scores) {
    const uploadId = Buffer.from(key ?? []).toString();
    const revision = Number(headerText(headers, 'ff-revision'));
    expect(revision, uploadId).toBeGreaterThan(revisions.get(uploadId) ?? -1);
    revisions.set(uploadId, revision);
    const offset = BigInt(headerText(headers, 'ff-source')?.split('/').at(-1) ?? -1);
    expect(offset > (offsets.get(partition) ?? -1n), `${partition}/${offset}`).toBe(true);
    offsets.set(partition, offset);
  }
}

interface Stream {
  readonly inputs: readonly Input[];
  publish(count: number): Promise<void>;
}

async function uploadStream(site: Site, random: () => number): Promise<Stream> {
  const uris = [
    await site.media('both.avi', aviBytes({ frames: 5 })),
    await site.media('sound.wav', wavBytes()),
    await site.media('picture.y4m', y4mBytes({ frames: 3 })),
    ABSENT,
  ];
  const inputs: Input[] = [];
  const revisions = new Map<string, number>();
  return {
    inputs,
    publish: async (count) => {
      const events = Array.from({ length: count }, () => {
        const uploadId = `upload-${Math.floor(random() * UPLOADS)}`;
        const revision = revisions.get(uploadId) ?? 0;
        revisions.set(uploadId, revision + 1);
        return uploadOf(uploadId, uris[Math.floor(random() * uris.length)] ?? '', { revision });
      });
      const places = await site.publish(events);
      for (const [i, { uploadId, revision, media }] of events.entries()) {
        const place = places[i];
        if (place === undefined) continue;
        inputs.push({ uploadId, revision, source: placeOf(place), lost: media.uri === ABSENT });
      }
    },
  };
}

interface Scene {
  readonly site: Site;
  readonly random: () => number;
  readonly stream: Stream;
}

async function untilMoment(moment: Moment, up: UpProcess, { site, random, stream }: Scene): Promise<void> {
  if (moment === 'start') return void (await delay(random() * 1_500));
  await up.management;
  // More arrives while it works.
  await stream.publish(2);
  if (moment === 'batch') return void (await delay(random() * 400));
  const before = await traces(site);
  const changed = async () => (await traces(site)) !== before || (await isCaughtUp(site, GROUP));
  await until('a commit is seen', changed, { timeoutMs: 60_000, everyMs: 1 });
  // The next commits come a commit interval later: before, at, or after one of them.
  if (moment === 'after') await delay(random() * 250);
}

/** Everything that a commit changes; were it not one step, the first part of it would be seen here. */
async function traces({ log }: Site): Promise<string> {
  const topics = await log.admin.describeTopics([TOPICS.scores, TOPICS.features, TOPICS.deadLetters]);
  const ends = topics.flatMap(({ offsets }) => offsets.map(({ end }) => end));
  const committed = (await log.admin.committedOffsets(GROUP)).map(
    ({ partition, offset }) => `${partition}=${offset}`,
  );
  return [...ends, ...committed].join();
}
