/** Between the messages of a decode child and the values of the port. */
import { constants } from 'node:os';
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction } from '../../core/extraction.ts';
import type { UnionRequest } from '../../stages/extract/decoder.ts';
import type { DecodeFacts, Fault, ResultMessage, ToChild } from './protocol.ts';
import { unpackMembers } from './result-parts.ts';
import { MEMORY_SIGNAL } from './watched.ts';

/** One upload to decode, with what the port does not ask for. */
export interface Job {
  readonly request: UnionRequest;
  readonly sparse: boolean;
  readonly planeHashes: boolean;
  readonly fault?: Fault | undefined;
}

/** The extractions, in the order of the plans, and what their decode did. */
export interface Decoded {
  readonly extractions: readonly Extraction[];
  readonly facts: DecodeFacts;
}

/** The child died before it had taken the upload; `cause` is what the upload would otherwise fail with. */
export class NotTaken extends Error {}

export function extractMessage(id: number, job: Job): ToChild {
  const { object, plans, limits } = job.request;
  return {
    ...{ type: 'extract', id, sizeBytes: object.sizeBytes, etag: object.etag, plans, limits },
    ...{ sparse: job.sparse, planeHashes: job.planeHashes },
    ...(object.localPath === undefined ? {} : { path: object.localPath }),
    ...(job.fault === undefined ? {} : { fault: job.fault }),
  };
}

export function decodedOf(
  { probe, timings, members, parts, facts }: ResultMessage,
  payload: Uint8Array,
): Decoded {
  const extractions = unpackMembers(members, parts, payload).map((member) => ({ probe, timings, ...member }));
  return { extractions, facts };
}

/** How a child's process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last that it printed. */
  readonly output: string;
  /** Its deadline, where passing that was the reason. */
  readonly timedOutMs: number | undefined;
}

/** What the upload that the child held, if any, fails with. */
export function endError({ code, signal: own, output, timedOutMs }: Ending): FirstFiveError {
  const signal = own ?? signalOf(code);
  if (timedOutMs !== undefined) {
    return new FirstFiveError('DECODE_TIMEOUT', `not decoded within ${timedOutMs} ms`);
  }
  if (signal === MEMORY_SIGNAL) {
    return new FirstFiveError('MEDIA_LIMIT', 'decoding needs more memory than allowed');
  }
  const how = signal === null ? `exit code ${code ?? 'unknown'}` : signal;
  const said = output === '' ? '' : `; it said: ${output}`;
  return new FirstFiveError('DECODE_CRASHED', `the decode child ended by ${how}${said}`);
}

/** A sandbox's launcher ends with 128 + n when what is behind it died by signal n, as a shell does. */
function signalOf(code: number | null): NodeJS.Signals | null {
  const [name] = Object.entries(constants.signals).find(([, number]) => number + 128 === code) ?? [];
  return (name as NodeJS.Signals | undefined) ?? null;
}
