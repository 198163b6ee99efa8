/** Port: what a stage does with one record. The composition root makes one out of stage steps and serdes. */
import type { FirstFiveError } from '../core/errors.ts';
import type { OutputRecord, StreamRecord } from '../core/record.ts';
import type { Lane } from '../core/upload.ts';

/** Where an emission stands among those of the same upload; a lower one is never emitted after a higher one. */
export interface EmissionOrder {
  readonly id: string;
  readonly revision: number;
  readonly tier: number;
}

export interface HandlerResult {
  readonly outputs: readonly OutputRecord[];
  /** Present where the outputs are guarded: they are dropped (`superseded`) once something higher was emitted. */
  readonly order?: EmissionOrder;
}

export interface HandlerContext {
  readonly lane: Lane;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when the attempt's deadline passes, the partition is revoked or the process stops. */
  readonly signal: AbortSignal;
  /** Says which step the record is in: health reports it, and failures are attributed to it. */
  step(name: string): void;
}

export interface RecordHandler {
  /** Called once per attempt. Throws `FirstFiveError`; anything else thrown counts as `INTERNAL`. */
  handle(record: StreamRecord, context: HandlerContext): Promise<HandlerResult>;
  /**
   * What is emitted beside the dead letter when a record is given up, such as a base-rate score, so that ranking never
   * waits for it. Must not throw for any bytes; `undefined` when nothing is known of the record.
   */
  rejected(record: StreamRecord, error: FirstFiveError, lane: Lane): HandlerResult | undefined;
}
