/** `firstfive/testing`: what a topology can be driven with in memory, without files, brokers or waiting. */
export { FakeClock, settle } from './fake-clock.ts';
export { MemoryLog, type MemoryLogFault } from './memory-log.ts';
