import { systemClock } from '../../src/runtime/clock.ts';
import { MemoryLog } from '../../src/testing/memory-log.ts';
import { describeLog } from '../contract/log.contract.ts';

describeLog('the memory log', async () => {
  const log = new MemoryLog(systemClock);
  return {
    log,
    connect: async () => log,
    usurp: (options) => log.join(options),
    dispose: async () => log.close(),
  };
});
