/**
 * Ready-made score records on their way to the ranking topic: a backfill makes them, and only the live group writes that
 * topic, since it alone knows what was emitted meanwhile.
 *
 * B1. Key, value, timestamp and headers go through unchanged; the order is what the headers say.
 * B2. What is strictly older than an emission of the same upload is dropped (`Committer` C2). Equal goes through: a backfill
 *     that scored the same revision anew is meant to replace the score.
 */
import { FirstFiveError } from '../core/errors.ts';
import { headerText, type StreamRecord } from '../core/record.ts';
import type { HandlerResult, RecordHandler } from './handler.ts';
import { REVISION_HEADER, TIER_HEADER } from './record-headers.ts';

export function publishHandler(rankingTopic: string): RecordHandler {
  return {
    handle: async (record) => passedOn(record, rankingTopic),
    rejected: () => undefined,
  };
}

function passedOn(record: StreamRecord, topic: string): HandlerResult {
  const { key, value, timestamp, headers } = record;
  const revision = wholeNumber(record, REVISION_HEADER);
  const tier = wholeNumber(record, TIER_HEADER);
  if (key === null || value === null || revision === undefined || tier === undefined) {
    throw new FirstFiveError(
      'RECORD_UNDECODABLE',
      `a score to publish needs a key, a value and the headers ${REVISION_HEADER} and ${TIER_HEADER}`,
      { stage: 'publish' },
    );
  }
  const order = { id: new TextDecoder().decode(key), revision, tier };
  return { outputs: [{ topic, timestamp, key, value, headers }], order };
}

function wholeNumber({ headers }: StreamRecord, name: string): number | undefined {
  const text = headerText(headers, name);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
