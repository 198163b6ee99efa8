/** What a driven run is made of. */
import type { OutputRecord } from '../core/record.ts';
import type { Clock } from '../runtime/clock.ts';
import type { RecordHandler } from '../runtime/handler.ts';
import type { Log } from '../runtime/log.ts';
import type { StageSpec, Topology } from '../runtime/topology.ts';
import type { FaultRates } from './fault-rates.ts';

export interface DriverOptions {
  readonly topology: Topology;
  /** Made anew for each start of each worker. `clock` is virtual and dies with the worker: use it for every wait. */
  readonly handlerOf: (stage: StageSpec, clock: Clock) => RecordHandler;
  /** 32 bits; 1 when absent. */
  readonly seed?: number;
  /** Members of each group; each worker runs all stages. 1 when absent. */
  readonly workers?: number;
  /** What goes wrong by itself, from the first `advance` on; nothing when absent. */
  readonly faults?: Partial<FaultRates>;
  /** Longest virtual time that an attempt takes before the handler is called; 0 when absent. */
  readonly maxWorkMs?: number;
  /** Virtual milliseconds until a group drops a silent member; 10,000 when absent. */
  readonly sessionTimeoutMs?: number;
  /** Stands between a worker and its log, for faults of your own. */
  readonly connect?: (log: Log, slot: string) => Log;
}

/** A record to put in; `partition` follows from the key when it is left out, `timestamp` is the present. */
export type PipedRecord = Pick<OutputRecord, 'key' | 'value'> &
  Partial<Pick<OutputRecord, 'partition' | 'timestamp' | 'headers'>>;
