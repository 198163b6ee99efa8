/** `firstfive/testing`: what a topology can be driven with in memory, without files, brokers or waiting. */
export { FirstFiveError } from '../core/errors.ts';
export type { OutputRecord, StreamRecord } from '../core/record.ts';
export type { HandlerContext, HandlerResult, RecordHandler } from '../runtime/handler.ts';
export { outputHeaders } from '../runtime/record-headers.ts';
export type { StageSpec, Topology } from '../runtime/topology.ts';
export type { DriverOptions, PipedRecord } from './driver-options.ts';
export { type ExerciseOptions, type ExerciseReport, exerciseTopology } from './exercise.ts';
export { FakeClock, settle } from './fake-clock.ts';
export { CHAOS, type FaultRates, NO_FAULTS } from './fault-rates.ts';
export { MemoryLog } from './memory-log.ts';
export { LOG_STEPS, type LogStep, type MemoryLogFault } from './memory-step.ts';
export { readTopology } from './read-topology.ts';
export { type SyntheticUpload, syntheticHandler, syntheticRecord } from './synthetic-handler.ts';
export { TopologyDriver } from './topology-driver.ts';
