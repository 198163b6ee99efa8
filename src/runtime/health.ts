/** What `/health` and `/ready` report. Health means progress: a stage with lag and no commit is unhealthy and says why. */

export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to commit: our own frontier, not what a broker believes. */
  readonly position: string;
  readonly end: string;
  readonly lag: number;
  /** Part of the lag: records of a retry topic that are not due yet, since the first of them is not. */
  readonly waiting: number;
  /** When that one falls due; ISO 8601. */
  readonly waitingUntil: string | null;
  readonly oldestUnfinished: {
    readonly offset: string;
    readonly step: string;
    readonly attempt: number;
    readonly ageMs: number;
  } | null;
}

export interface StageHealth {
  readonly name: string;
  readonly lane: string;
  readonly state: 'starting' | 'running' | 'draining' | 'stopped' | 'failed';
  readonly reasons: readonly string[];
  readonly inFlight: number;
  readonly inFlightBytes: number;
  /** Records of retry topics whose time has not come; no sign of trouble. */
  readonly waiting: number;
  readonly lastCommitAgeMs: number | null;
  readonly partitions: readonly PartitionProgress[];
}

export interface HealthReport {
  readonly status: 'healthy' | 'unhealthy';
  readonly reasons: readonly string[];
  readonly stages: readonly StageHealth[];
}

export function healthReport(stages: readonly StageHealth[]): HealthReport {
  const reasons = stages.flatMap((stage) => stage.reasons.map((reason) => `${stage.name}: ${reason}`));
  return { status: reasons.length === 0 ? 'healthy' : 'unhealthy', reasons, stages };
}
