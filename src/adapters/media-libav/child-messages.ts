/** Between the messages of a decode child and the values of the port. */
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction } from '../../core/extraction.ts';
import type { DecodeRequest } from '../../stages/extract/decoder.ts';
import type { DecodeFacts, Fault, ResultMessage, ToChild } from './protocol.ts';
import { MEMORY_SIGNAL } from './watched.ts';

/** One upload to decode, with what the port does not ask for. */
export interface Job {
  readonly request: DecodeRequest;
  readonly sparse: boolean;
  readonly planeHashes: boolean;
  readonly fault?: Fault | undefined;
}

/** An extraction, and what its decode did. */
export interface Decoded {
  readonly extraction: Extraction;
  readonly facts: DecodeFacts;
}

/** The child died before it had taken the upload; `cause` is what the upload would otherwise fail with. */
export class NotTaken extends Error {}

export function extractMessage(id: number, job: Job): ToChild {
  const { object, plan, limits } = job.request;
  return {
    ...{ type: 'extract', id, sizeBytes: object.sizeBytes, plan, limits },
    ...{ sparse: job.sparse, planeHashes: job.planeHashes },
    ...(object.localPath === undefined ? {} : { path: object.localPath }),
    ...(job.fault === undefined ? {} : { fault: job.fault }),
  };
}

/** Pixels stay a view of what came over the pipe; samples are copied, because floats must be aligned. */
export function decodedOf(header: ResultMessage, payload: Uint8Array): Decoded {
  const { probe, signals, timings, facts } = header;
  const pixelBytes = payload.byteLength - (header.audio?.samples ?? 0) * 4;
  const pixels = new Uint8Array(payload.buffer, payload.byteOffset, pixelBytes);
  const samples = new Uint8Array(payload.subarray(pixelBytes));
  return {
    extraction: {
      ...{ probe, signals, timings },
      video: header.video === null ? null : { ...header.video, pixels },
      audio:
        header.audio === null
          ? null
          : { sampleRate: header.audio.sampleRate, samples: new Float32Array(samples.buffer) },
    },
    facts,
  };
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
export function endError({ code, signal, output, timedOutMs }: Ending): FirstFiveError {
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
