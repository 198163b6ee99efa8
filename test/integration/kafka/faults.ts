/** What is done to the workers, the broker and the network in between, and how each is over again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaCluster } from '../../../src/adapters/kafka-setup/cluster.ts';
import type { TcpProxy } from '../../support/kafka/tcp-proxy.ts';
import type { Fleet } from './fleet.ts';

export const FAULTS = [
  'kill',
  'zombie',
  'come and go',
  'connection cut',
  'slow network',
  'broker restart',
  'broker crash',
] as const;
export type Fault = (typeof FAULTS)[number] | 'leader kill';

export interface Target {
  /** One for each stage. */
  readonly fleets: readonly Fleet[];
  readonly cluster: KafkaCluster;
  /** Between workers and broker. */
  readonly proxy: TcpProxy | undefined;
  readonly random: () => number;
  readonly sessionMs: number;
  /** The node that leads a partition picked by `random`: of inputs, outputs, offsets or transactions. */
  readonly someLeader: () => Promise<number>;
}

export async function strike(fault: Fault, target: Target): Promise<void> {
  const { random, sessionMs } = target;
  const fleet = target.fleets[Math.floor(random() * target.fleets.length)];
  if (fleet === undefined) return;
  const slot = fleet.slots[Math.floor(random() * fleet.slots.length)] ?? 'a';
  switch (fault) {
    case 'kill':
      fleet.signal(slot, 'SIGKILL');
      return fleet.ended(slot);
    case 'zombie':
      fleet.signal(slot, 'SIGSTOP');
      // Its partitions move to another worker, where there is one.
      await delay((1.5 + random()) * sessionMs);
      return fleet.signal(slot, 'SIGCONT');
    case 'come and go':
      await fleet.start('c');
      await delay(random() * 1_000);
      return fleet.stop('c');
    case 'connection cut':
      target.proxy?.cut();
      await delay(random() * 2 * sessionMs);
      return target.proxy?.heal();
    case 'slow network':
      target.proxy?.slow(20 + random() * 180);
      await delay(3_000 + random() * 2_000);
      return target.proxy?.heal();
    case 'broker restart':
      return restart(target.cluster, 1, 'SIGTERM', random() * 2_000);
    case 'broker crash':
      return restart(target.cluster, 1, 'SIGKILL', random() * 2_000);
    case 'leader kill':
      return restart(target.cluster, await target.someLeader(), 'SIGKILL', 2_000 + random() * 8_000);
  }
}

async function restart(
  cluster: KafkaCluster,
  node: number,
  how: 'SIGTERM' | 'SIGKILL',
  downMs: number,
): Promise<void> {
  await cluster.stopNode(node, how);
  await delay(downMs);
  await cluster.startNode(node);
}
