/**
 * How far to fetch beyond what was asked for.
 *
 * A1. A reader that goes on where it was is followed by 1/16 of what it has read so far, in whole blocks: what was fetched in
 *     vain when it stops is at most that, and the rest of a block. Less than the reader takes at once is not worth fetching (its next read would wait
 *     for a request all the same), so nothing is until then. A demuxer reads audio and video apart in some files, so several
 *     runs are told apart.
 * A2. A reader that jumps gets the blocks it asked for and no more.
 * A3. But a jump to the end of the object (within `tailBytes` or 1/64 of it) is after an index, which is read whole: the
 *     `moov` of an MP4 that was not made for streaming, the cues of a Matroska file.
 */

export interface ReadAheadLimits {
  readonly blockBytes: number;
  readonly maxFetchBytes: number;
  readonly tailBytes: number;
  readonly cacheBytesPerObject: number;
}

interface Run {
  readonly start: number;
  end: number;
  readonly tail: boolean;
}

const MAX_RUNS = 4;
const AHEAD_SHARE = 16;
const TAIL_SHARE = 64;

export class ReadAhead {
  readonly #size: number;
  readonly #limits: ReadAheadLimits;
  /** The most recent last. */
  readonly #runs: Run[] = [];

  constructor(size: number, limits: ReadAheadLimits) {
    this.#size = size;
    this.#limits = limits;
  }

  /** Notes the read `[start, end)`; answers up to where bytes will likely be wanted, `end` where there is no telling. */
  note(start: number, end: number): number {
    const run = this.#continued(start) ?? this.#started(start);
    run.end = Math.max(run.end, end);
    this.#runs.push(run);
    if (this.#runs.length > MAX_RUNS) this.#runs.shift();
    return Math.min(this.#size, end + this.#aheadBytes(run, end - start));
  }

  #continued(start: number): Run | undefined {
    // A gap of less than a block is what a demuxer skips over inside a run (padding, a track that is not wanted).
    const slack = this.#limits.blockBytes;
    const index = this.#runs.findLastIndex((run) => start >= run.end - slack && start <= run.end + slack);
    return index < 0 ? undefined : this.#runs.splice(index, 1)[0];
  }

  #started(start: number): Run {
    const toEnd = this.#size - start;
    const tail = start > 0 && toEnd <= Math.max(this.#limits.tailBytes, this.#size / TAIL_SHARE);
    return { start, end: start, tail };
  }

  #aheadBytes(run: Run, readBytes: number): number {
    const { blockBytes, maxFetchBytes, cacheBytesPerObject } = this.#limits;
    const most = Math.min(maxFetchBytes, cacheBytesPerObject / 2);
    if (run.tail) return most;
    const share = Math.min(most, (run.end - run.start) / AHEAD_SHARE);
    const whole = Math.floor(share / blockBytes) * blockBytes;
    return whole >= readBytes ? whole : 0;
  }
}
