/**
 * librdkafka's error codes as the closed list's codes. Nothing is decided by message text.
 *
 * The contract of transactional calls (librdkafka, INTRODUCTION.md "Transactional producer"): retriable: call again;
 * requires abort: abort, then do the work again; fatal: this producer is finished. An error with none of the flags has
 * been seen from a member that the group no longer knows; an abort tells whether it is fatal.
 */
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import type { ClientError } from './client.ts';

/** Local codes (negative) and broker codes that are told apart here. */
export const CODE = {
  FENCED_LOCALLY: -144,
  MAX_POLL_EXCEEDED: -147,
  UNDELIVERED: -149,
  FATAL: -150,
  AUTO_OFFSET_RESET: -140,
  AUTHENTICATION: -169,
  STATE: -172,
  REVOKE_PARTITIONS: -174,
  ASSIGN_PARTITIONS: -175,
  QUEUE_FULL: -184,
  TIMED_OUT: -185,
  ALL_BROKERS_DOWN: -187,
  TRANSPORT: -195,
  RESOLVE: -193,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER: 6,
  MESSAGE_TOO_LARGE: 10,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  SASL_AUTHENTICATION_FAILED: 58,
  INVALID_PRODUCER_EPOCH: 47,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  FENCED_INSTANCE_ID: 82,
  PRODUCER_FENCED: 90,
  UNRELEASED_INSTANCE_ID: 111,
} as const;

/** Of a producer: another one has its transactional id, or the coordinator ended its transaction by time-out. */
const FENCED: readonly number[] = [CODE.FENCED_LOCALLY, CODE.INVALID_PRODUCER_EPOCH, CODE.PRODUCER_FENCED];
/** Of a consumer: another member has its instance id. After an outage that member can be an earlier life of its own. */
const MEMBER_FENCED: readonly number[] = [CODE.FENCED_INSTANCE_ID, CODE.UNRELEASED_INSTANCE_ID];

const REFUSED: readonly number[] = [
  CODE.AUTHENTICATION,
  CODE.SASL_AUTHENTICATION_FAILED,
  CODE.TOPIC_AUTHORIZATION_FAILED,
  CODE.GROUP_AUTHORIZATION_FAILED,
  CODE.CLUSTER_AUTHORIZATION_FAILED,
  CODE.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
];

export function isFenced(error: Pick<ClientError, 'code'>): boolean {
  return FENCED.includes(error.code);
}

export function isRefused(error: Pick<ClientError, 'code'>): boolean {
  return REFUSED.includes(error.code);
}

export function isClientError(thrown: unknown): thrown is ClientError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number';
}

/** What a call outside transactions failed with. `what` says what was tried, without secrets. */
export function toLogError(thrown: unknown, what: string): FirstFiveError {
  if (thrown instanceof FirstFiveError) return thrown;
  if (!isClientError(thrown)) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new FirstFiveError('LOG_UNAVAILABLE', `${what} failed: ${message}`, { cause: thrown });
  }
  const said = `${thrown.message} (${thrown.code})`;
  if (isRefused(thrown)) {
    const advice = 'check the credentials and what they may do';
    return new FirstFiveError('CONFIG_INVALID', `${what} was refused: ${said}; ${advice}`, { cause: thrown });
  }
  if (thrown.code === CODE.OFFSET_OUT_OF_RANGE || thrown.code === CODE.AUTO_OFFSET_RESET) {
    return new FirstFiveError('OFFSET_OUT_OF_RANGE', `${what} failed: ${said}`, { cause: thrown });
  }
  if (thrown.code === CODE.UNKNOWN_TOPIC_OR_PARTITION) {
    return new FirstFiveError('TOPIC_NOT_FOUND', `${what} failed: ${said}`, { cause: thrown });
  }
  if (thrown.code === CODE.MESSAGE_TOO_LARGE) {
    return new FirstFiveError('RECORD_TOO_LARGE', `${what} failed: ${said}`, { cause: thrown });
  }
  return new FirstFiveError('LOG_UNAVAILABLE', `${what} failed: ${said}`, { cause: thrown });
}

/** What a consumer told of; `undefined` for what the client mends by itself. */
export function toMemberError(thrown: unknown, name: string): FirstFiveError | undefined {
  if (thrown instanceof FirstFiveError) return thrown;
  if (!isClientError(thrown)) return toFirstFiveError(thrown);
  if (thrown.code === CODE.AUTO_OFFSET_RESET || thrown.code === CODE.OFFSET_OUT_OF_RANGE) {
    const advice =
      'retention removed records before they were read; use a new group to go on from what is left, and a longer retention';
    return new FirstFiveError('OFFSET_OUT_OF_RANGE', `${name}: ${advice}`);
  }
  return isRefused(thrown) ? toLogError(thrown, name) : undefined;
}

/** The consumer is finished: it has to be made anew, by this process or the next one. */
export function endsConsumer(error: ClientError): boolean {
  return error.code === CODE.FATAL || error.isFatal === true || MEMBER_FENCED.includes(error.code);
}

/** `slot` must stop: another process took its place. */
export function fencedError(slot: string, why: string, cause?: unknown): FirstFiveError {
  return new FirstFiveError('LOG_FENCED', `${slot} must stop: ${why}`, cause === undefined ? {} : { cause });
}

/** `slot` cannot go on with this client; the next process of the same slot can. */
export function clientFailed(slot: string, why: string, cause?: unknown): FirstFiveError {
  const details = cause === undefined ? {} : { cause };
  return new FirstFiveError('LOG_CLIENT_FAILED', `${slot} must be started again: ${why}`, details);
}

/** What ended a producer, or a call that never came back. */
export function endOfClient(slot: string, cause: unknown): FirstFiveError {
  if (!isClientError(cause)) {
    return clientFailed(slot, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const said = `${cause.message} (${cause.code})`;
  if (!isFenced(cause)) return clientFailed(slot, `its Kafka client failed for good: ${said}`, cause);
  const why = 'another process uses the same slot, or a commit was open longer than the transaction time-out';
  return fencedError(slot, `${why}: ${said}`, cause);
}
