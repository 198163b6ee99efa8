/** The Kafka log against a real broker: the contract of every log. */
import { afterAll, beforeAll, it } from 'vitest';
import { describeLog } from '../contract/log.contract.ts';
import type { LogHarness } from '../contract/log-harness.ts';
import { BROKER_HOOK_MS, startTestBroker, type TestBroker } from '../support/kafka/broker.ts';
import { whyNoKafka } from '../support/kafka/prerequisites.ts';

let broker: TestBroker | undefined;
const without = await whyNoKafka();
beforeAll(async () => {
  if (without === undefined) broker = await startTestBroker();
}, BROKER_HOOK_MS);
afterAll(() => broker?.stop());

const openBroker = () => {
  if (broker === undefined) throw new Error('no broker was started');
  return broker.open();
};

const harness = async (): Promise<LogHarness> => {
  const log = await openBroker();
  const others = [log];
  const connect = async () => {
    const other = await openBroker();
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
};

if (without === undefined) describeLog('the Kafka log', harness);
else it.skip(`the Kafka log: ${without}`, () => {});
