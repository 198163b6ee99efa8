/**
 * librdkafka's error codes as the closed list's codes. Nothing is decided by message text.
 *
 * The contract of transactional calls (librdkafka, INTRODUCTION.md "Transactional producer"): retriable: call again;
 * requires abort: abort, then do the work again; fatal: this producer is finished. An error with none of the flags has
 * been seen from a member that the group no longer knows; an abort tells whether it is fatal.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { ClientError } from './client.ts';

/** Local codes (negative) and broker codes that are told apart here. */
export const CODE = {
  FENCED_LOCALLY: -144,
  MAX_POLL_EXCEEDED: -147,
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
  MESSAGE_TOO_LARGE: 10,
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

const FENCED: readonly number[] = [
  CODE.FENCED_LOCALLY,
  CODE.INVALID_PRODUCER_EPOCH,
  CODE.FENCED_INSTANCE_ID,
  CODE.PRODUCER_FENCED,
  CODE.UNRELEASED_INSTANCE_ID,
];

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

/** `slot` must stop: another process took its place, or its client failed for good. */
export function fencedError(slot: string, why: string, cause?: unknown): FirstFiveError {
  return new FirstFiveError('LOG_FENCED', `${slot} must stop: ${why}`, cause === undefined ? {} : { cause });
}

export function fenceReason(error: ClientError): string {
  const said = `${error.message} (${error.code})`;
  return isFenced(error)
    ? `another process uses the same slot, or a commit was open longer than the transaction time-out: ${said}`
    : `its Kafka client failed for good: ${said}`;
}
