/** One impression of an upload and how long it was watched: the record of `engagement.watch.v1`. */
import type { UploadId } from './upload.ts';

export interface Watch {
  /** A second record of the same impression is ignored. */
  readonly impressionId: string;
  readonly uploadId: UploadId;
  readonly watchedMs: number;
  /** Length of the clip; clips under 5 s count completion instead. */
  readonly durationMs?: number;
  readonly surface: string;
  /** True when the impression was given by chance: only such ones fit calibration, since exposure follows the score. */
  readonly randomised: boolean;
  /** Probability with which the ranking showed it, in (0, 1]. */
  readonly propensity?: number;
  /** Milliseconds since the epoch. */
  readonly watchedAt: number;
}
