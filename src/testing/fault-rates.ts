/** What may go wrong in a driven run, and how often: a probability for each step that it could happen at. */

export interface FaultRates {
  /** The worker vanishes without a word, at any step: before or after work, before a commit, in it, after it. */
  readonly crash: number;
  /** The worker stands still, for up to twice the session time-out: past it, others take over and it wakes as a zombie. */
  readonly freeze: number;
  /** A call of the log fails with `LOG_UNAVAILABLE`; a commit may have taken place all the same. */
  readonly logUnavailable: number;
  /** A commit fails with `LOG_ABORTED`: without effect. */
  readonly logAborted: number;
  /** An attempt fails in a way that may pass (`MEDIA_CHANGED`). */
  readonly attempt: number;
  /** The surroundings of the work fail (`STORE_UNAVAILABLE`), for up to ten seconds and for every worker. */
  readonly outage: number;
}

export const NO_FAULTS: FaultRates = {
  crash: 0,
  freeze: 0,
  logUnavailable: 0,
  logAborted: 0,
  attempt: 0,
  outage: 0,
};

/** Each fault several times in a run of a hundred records. */
export const CHAOS: FaultRates = {
  crash: 0.012,
  freeze: 0.008,
  logUnavailable: 0.03,
  logAborted: 0.03,
  attempt: 0.05,
  outage: 0.004,
};
