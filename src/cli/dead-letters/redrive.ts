/**
 * Sends dead letters back to where they came from, each one once.
 *
 * R1. A redriven record has the original key, value, headers and timestamp, and one header more that names the dead letter
 *     it was: the pipeline sees the same record again, and whoever looks at it later sees where it has been.
 * R2. With each redriven record a marker is committed, in the same atomic unit, to `<dead-letter topic>.redriven`. A dead
 *     letter with a marker is skipped, so that a redrive cut short by a crash goes on where it stopped.
 * R3. Two redrives of one topic never run at once: each holds the group `<dead-letter topic>.redrive`.
 */
import type { OutputRecord, StreamRecord } from '../../core/record.ts';
import type { GroupMember, Log, TopicSpec } from '../../runtime/log.ts';
import { readToEnd } from '../read-to-end.ts';
import { type DeadLetterFilter, matches } from './dead-letter-filter.ts';
import { deadLetters, type StoredDeadLetter } from './dead-letter-scan.ts';

/** `TOPIC/PARTITION/OFFSET` of the dead letter. */
const REDRIVEN_FROM = 'ff-redriven-from';
const RECORDS_PER_COMMIT = 500;

export interface RedriveRequest {
  readonly topic: TopicSpec;
  readonly filter: DeadLetterFilter;
  /** Only these ids; all that match the filter when it is empty. */
  readonly ids: readonly string[];
  /** At most so many. */
  readonly max: number;
  /** Also those that were redriven before. */
  readonly again: boolean;
  readonly dryRun: boolean;
  readonly now: number;
}

export interface RedriveResult {
  readonly matched: number;
  readonly redriven: number;
  /** Matched, but redriven before. */
  readonly skipped: number;
}

/** `onRedriven` is called after the commit of each record, or for each candidate in a dry run. */
export async function redrive(
  log: Log,
  request: RedriveRequest,
  onRedriven: (stored: StoredDeadLetter) => Promise<void>,
): Promise<RedriveResult> {
  if (request.dryRun) return redriveAs(undefined, log, request, onRedriven);
  const markers = markerTopic(request.topic);
  await log.admin.ensureTopics([markers]);
  const listener = { onAssigned: async () => {}, onRevoked: async () => {} };
  const groupId = `${request.topic.name}.redrive`;
  const member = await log.join({ groupId, topics: [markers.name], slot: '0', listener });
  try {
    return await redriveAs(member, log, request, onRedriven);
  } finally {
    await member.leave();
  }
}

/** Says of a dead letter whether it was redriven before now. */
export async function redrivenBefore(
  log: Log,
  topic: Pick<TopicSpec, 'name'>,
): Promise<(stored: StoredDeadLetter) => boolean> {
  const keys = new Set<string>();
  for await (const marker of readToEnd(log, markerName(topic))) {
    if (marker.key !== null) keys.add(new TextDecoder().decode(marker.key));
  }
  return (stored) => keys.has(markerKey(stored));
}

async function redriveAs(
  member: GroupMember | undefined,
  log: Log,
  request: RedriveRequest,
  onRedriven: (stored: StoredDeadLetter) => Promise<void>,
): Promise<RedriveResult> {
  const isDone = await redrivenBefore(log, request.topic);
  const partitions = new Map(
    (await log.admin.describeTopics()).map((topic) => [topic.name, topic.partitions]),
  );
  let [matched, redriven, skipped] = [0, 0, 0];
  let unit: StoredDeadLetter[] = [];
  const flush = async () => {
    const outputs = unit.flatMap((stored) => [
      originalRecord(stored.letter.origin, partitions, `${request.topic.name}/${stored.id}`),
      marker(request, stored),
    ]);
    if (outputs.length > 0) await member?.commit({ outputs, offsets: [] });
    for (const stored of unit) await onRedriven(stored);
    redriven += unit.length;
    unit = [];
  };
  for await (const stored of deadLetters(log, request.topic.name)) {
    if (redriven + unit.length >= request.max) break;
    if (!isWanted(stored, request)) continue;
    matched++;
    if (isDone(stored) && !request.again) skipped++;
    else unit.push(stored);
    if (unit.length >= RECORDS_PER_COMMIT) await flush();
  }
  await flush();
  return { matched, redriven, skipped };
}

function isWanted(stored: StoredDeadLetter, { ids, filter }: RedriveRequest): boolean {
  return (ids.length === 0 || ids.includes(stored.id)) && matches(stored, filter);
}

/** A record with a key goes where its key belongs; one without goes back to its own partition, while there is one. */
function originalRecord(
  origin: StreamRecord,
  partitions: ReadonlyMap<string, number>,
  from: string,
): OutputRecord {
  const { topic, partition, timestamp, key, value } = origin;
  const own = origin.headers.filter(([name]) => name !== REDRIVEN_FROM);
  const headers = [...own, [REDRIVEN_FROM, new TextEncoder().encode(from)] as const];
  const record = { topic, timestamp, key, value, headers };
  return key === null && partition < (partitions.get(topic) ?? 0) ? { ...record, partition } : record;
}

function marker(request: RedriveRequest, stored: StoredDeadLetter): OutputRecord {
  const encoder = new TextEncoder();
  return {
    topic: markerName(request.topic),
    timestamp: request.now,
    key: encoder.encode(markerKey(stored)),
    value: new Uint8Array(0),
    headers: [['ff-redriven-to', encoder.encode(stored.letter.origin.topic)]],
  };
}

/** Kept twice as long as the dead letters: logs remove in steps, and a letter must never outlive its marker. */
function markerTopic(topic: TopicSpec): TopicSpec {
  const retentionMs = topic.retentionMs === null ? null : 2 * topic.retentionMs;
  return { name: markerName(topic), partitions: 1, cleanup: 'delete', retentionMs };
}

/** With the time of the failure, since a topic that is deleted and made again counts its offsets from 0 again. */
function markerKey(stored: StoredDeadLetter): string {
  return `${stored.id}@${stored.letter.lastFailureAt}`;
}

function markerName(topic: Pick<TopicSpec, 'name'>): string {
  return `${topic.name}.redriven`;
}
