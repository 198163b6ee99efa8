/** The configuration of one node of a development cluster (KRaft, broker and controller in one process), as a value. */

export interface NodePorts {
  /** 1-based node id. */
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Listener with TLS, SASL or both; absent when the cluster has none. */
  readonly securePort?: number;
}

/** A second listener, beside the plain one that the nodes use among themselves. */
export interface SecureListener {
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';
  /** Properties of that listener and of the broker (`ssl.*`, `listener.name.secure.*`). */
  readonly properties: Readonly<Record<string, string>>;
  /** Where clients are told to connect, when something stands between them and the listener. One node only. */
  readonly advertisedPort?: number;
}

export interface ClusterShape {
  readonly nodes: readonly NodePorts[];
  readonly dataDir: string;
  readonly secure?: SecureListener;
  readonly extra?: Readonly<Record<string, string>>;
}

const HOST = '127.0.0.1';

export function serverProperties(shape: ClusterShape, node: NodePorts): string {
  const replication = Math.min(3, shape.nodes.length);
  const secure = shape.secure === undefined ? [] : [`SECURE://${HOST}:${node.securePort}`];
  const advertised = shape.secure?.advertisedPort ?? node.securePort;
  const advertisedSecure = shape.secure === undefined ? [] : [`SECURE://${HOST}:${advertised}`];
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': shape.nodes.map((n) => `${n.id}@${HOST}:${n.controllerPort}`).join(','),
    listeners: [
      `PLAINTEXT://${HOST}:${node.port}`,
      ...secure,
      `CONTROLLER://${HOST}:${node.controllerPort}`,
    ].join(','),
    'advertised.listeners': [`PLAINTEXT://${HOST}:${node.port}`, ...advertisedSecure].join(','),
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:${shape.secure?.protocol ?? 'SSL'}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': `${shape.dataDir}/node-${node.id}`,
    // A misspelt topic must fail here as it does in production.
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replication,
    'min.insync.replicas': Math.max(1, replication - 1),
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': Math.max(1, replication - 1),
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    // Crash tests need short session time-outs; production brokers keep their own lower bounds.
    'group.min.session.timeout.ms': 1_000,
    'group.consumer.min.session.timeout.ms': 2_000,
    'group.consumer.session.timeout.ms': 6_000,
    'group.consumer.min.heartbeat.interval.ms': 500,
    'group.consumer.heartbeat.interval.ms': 1_000,
    ...shape.secure?.properties,
    ...shape.extra,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
