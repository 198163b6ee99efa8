/** Streams of upload events of which some are bad, and the check that each one ended where it belongs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseDeadLetter } from '../../src/core/dead-letter.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { headerText, type OutputRecord, type StreamRecord } from '../../src/core/record.ts';
import type { UploadEvent } from '../../src/core/upload.ts';
import type { Log, PartitionOffset } from '../../src/runtime/log.ts';
import { sourceOf, sourceText, TIER_HEADER } from '../../src/runtime/record-headers.ts';
import type { UpParts } from './up-parts.ts';

/** One in a hundred of each. */
const EVERY = 100;
const BAD = ['undecodable', 'missing', 'crashing'] as const;
type Bad = (typeof BAD)[number];

const CODES: Readonly<Record<Bad, ErrorCode>> = {
  undecodable: 'MEDIA_UNSUPPORTED',
  missing: 'MEDIA_NOT_FOUND',
  crashing: 'DECODE_CRASHED',
};

export interface StreamEvent {
  readonly event: UploadEvent;
  /** What it must end as; `undefined`: scored. */
  readonly code: ErrorCode | undefined;
}

/** Where the bad media of a stream are; `uri` says what is wrong with it. */
export type BadMedia = Readonly<Record<Bad, string>>;

export async function badMedia(folder: string, clip: Uint8Array): Promise<BadMedia> {
  await mkdir(folder, { recursive: true });
  const file = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(folder, name), bytes);
    return pathToFileURL(join(folder, name)).href;
  };
  return {
    undecodable: await file('undecodable.mp4', new Uint8Array(50_000).fill(0x5a)),
    missing: pathToFileURL(join(folder, 'missing.mp4')).href,
    crashing: await file('crashing.mp4', clip),
  };
}

/** The bad ones spread evenly. Without `bad` all stay as they are: the clean stream. */
export function poisoned(events: readonly UploadEvent[], bad: BadMedia | undefined): readonly StreamEvent[] {
  return events.map((event, i) => {
    const which = bad === undefined ? undefined : BAD[((i % EVERY) - 10) / 30];
    if (bad === undefined || which === undefined) return { event, code: undefined };
    return { event: { ...event, media: { uri: bad[which] } }, code: CODES[which] };
  });
}

/** Topics' ends, from which a check reads on. */
export async function endsOf(log: Log, topics: readonly string[]): Promise<readonly PartitionOffset[]> {
  return (await log.admin.describeTopics(topics)).flatMap(({ name, offsets }) =>
    offsets.map(({ end }, partition) => ({ topic: name, partition, offset: end })),
  );
}

export interface Published {
  readonly stream: readonly StreamEvent[];
  readonly records: readonly OutputRecord[];
  readonly places: readonly PartitionOffset[];
  /** Of the ranking topic and the dead letters, before the stream was published. */
  readonly from: readonly PartitionOffset[];
}

/** Throws unless every good event was scored once and every bad one is one dead letter with its bytes, place and code. */
export async function requireAllEnded(parts: Pick<UpParts, 'log'>, published: Published): Promise<void> {
  const scored = new Map<string, number>();
  const letters = new Map<string, { code: string; value: Uint8Array | null }[]>();
  for (const record of await recordsFrom(parts.log, published.from)) {
    const letter = parseDeadLetter(record);
    if (letter !== undefined) {
      const at = sourceText(letter.origin);
      letters.set(at, [...(letters.get(at) ?? []), { code: letter.code, value: letter.origin.value }]);
    } else if (headerText(record.headers, TIER_HEADER) !== '0') {
      scored.set(sourceOf(record), (scored.get(sourceOf(record)) ?? 0) + 1);
    }
  }
  published.places.forEach((place, i) => {
    const source = sourceText(place);
    const code = published.stream[i]?.code;
    const found = letters.get(source) ?? [];
    const isRight =
      code === undefined
        ? scored.get(source) === 1 && found.length === 0
        : !scored.has(source) &&
          found.length === 1 &&
          found[0]?.code === code &&
          sameBytes(found[0].value, published.records[i]?.value);
    if (!isRight) {
      const ended = `${scored.get(source) ?? 0} scores, dead letters [${found.map((one) => one.code).join()}]`;
      throw new Error(`${source} should have ended as ${code ?? 'a score'}, and has ${ended}`);
    }
  });
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null | undefined): boolean {
  return a !== null && b !== null && b !== undefined && Buffer.compare(a, b) === 0;
}

async function recordsFrom(log: Log, from: readonly PartitionOffset[]): Promise<readonly StreamRecord[]> {
  const topics = [...new Set(from.map(({ topic }) => topic))];
  const ends = await endsOf(log, topics);
  const reader = await log.openReader(topics, { at: 'offsets', offsets: from });
  const records: StreamRecord[] = [];
  const isBehind = (at: PartitionOffset) =>
    ends.some((end) => end.topic === at.topic && end.partition === at.partition && at.offset < end.offset);
  try {
    while (reader.positions().some(isBehind))
      records.push(...(await reader.next({ maxRecords: 2_000, maxBytes: 1 << 24, maxWaitMs: 1_000 })));
  } finally {
    await reader.close();
  }
  return records;
}
