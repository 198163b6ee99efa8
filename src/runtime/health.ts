/** What `/health` and `/ready` report. Health means progress: a stage with lag and no commit is unhealthy and says why. */

export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to commit: our own frontier, not what a broker believes. */
  readonly position: string;
  readonly end: string;
  readonly lag: number;
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
