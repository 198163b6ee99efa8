/** Where the Kafka parts of a checkout lie, and making them where they are missing. */
import { join } from 'node:path';
import type { ClientPlaces } from '../../adapters/kafka-setup/client-build.ts';
import type { BrokerPlaces } from '../../adapters/kafka-setup/jars.ts';
import { REQUIRED_FEATURES } from '../../adapters/log-kafka/client.ts';
import type { CliContext } from '../context.ts';

type Surroundings = Pick<CliContext, 'packageRoot' | 'env' | 'stderr'>;

export function clientPlaces({ packageRoot, env }: Pick<CliContext, 'packageRoot' | 'env'>): ClientPlaces {
  return {
    recipeDir: join(packageRoot, 'native', 'kafka-client'),
    installDir: kafkaClientDir(packageRoot),
    env,
    features: REQUIRED_FEATURES,
  };
}

export function brokerPlaces({ packageRoot, env }: Pick<CliContext, 'packageRoot' | 'env'>): BrokerPlaces {
  return {
    recipeDir: join(packageRoot, 'native', 'kafka-broker'),
    installDir: join(packageRoot, '.tools', 'kafka-broker'),
    env,
  };
}

/** The `clientDir` of `openKafkaLog`. */
export function kafkaClientDir(packageRoot: string): string {
  return join(packageRoot, '.tools', 'kafka-client');
}

/** Says on stderr what it does; silent when all is there. */
export async function setUpKafka(context: Surroundings, parts: { readonly broker: boolean }): Promise<void> {
  await ensureKafkaClient(context);
  if (parts.broker) await ensureKafkaBroker(context);
}

/** Also called at the first use of a Kafka log. */
export async function ensureKafkaClient(context: Surroundings): Promise<void> {
  const { ensureClient, isClientBuilt } = await import('../../adapters/kafka-setup/client-build.ts');
  const places = clientPlaces(context);
  if (await isClientBuilt(places)) return;
  say(context, 'building the Kafka client (once; about three minutes)');
  await ensureClient(places, () => say(context, 'waiting for another build of the Kafka client'));
}

export async function ensureKafkaBroker(context: Surroundings): Promise<void> {
  const { ensureBroker, isBrokerInstalled } = await import('../../adapters/kafka-setup/jars.ts');
  const places = brokerPlaces(context);
  if (await isBrokerInstalled(places)) return;
  say(context, 'fetching the development broker from Maven Central (once)');
  await ensureBroker(places, () => say(context, 'waiting for another set-up of the broker'));
}

function say(context: Surroundings, text: string): void {
  context.stderr.write(`firstfive: ${text}\n`);
}
