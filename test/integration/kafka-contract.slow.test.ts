/** The Kafka log against a real broker: the contract of every log. */
import { afterAll, beforeAll } from 'vitest';
import { describeLog } from '../contract/log.contract.ts';
import { BROKER_HOOK_MS, startTestBroker, type TestBroker } from '../support/kafka/broker.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker();
}, BROKER_HOOK_MS);
afterAll(() => broker?.stop());

describeLog('the Kafka log', async () => {
  const log = await broker.open();
  const others = [log];
  const connect = async () => {
    const other = await broker.open();
    others.push(other);
    return other;
  };
  return {
    log,
    connect,
    // The same slot from another process: same transactional id, same group instance.
    usurp: async (options) => (await connect()).join(options),
    dispose: async () => {
      for (const one of others) await one.close();
    },
  };
});
