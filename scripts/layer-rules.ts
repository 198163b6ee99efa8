/**
 * Which part of src may import which, as data. A change here is a design decision: write it down in docs/decisions/.
 *
 * Imports run inward: core <- stages | runtime <- adapters <- config? <- cli. `testing` is for tests and users only.
 */

export interface LayerRule {
  /** Layer of the importing file: the first folder below src, or two for an adapter. */
  readonly layer: string;
  readonly mayImport: readonly string[];
}

export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  stages: ['core', 'stages'],
  runtime: ['core', 'runtime'],
  // Its own folder as well, but no other adapter.
  adapters: ['core', 'stages', 'runtime'],
  config: ['core', 'runtime', 'config'],
  cli: ['core', 'stages', 'runtime', 'adapters', 'config', 'cli'],
  testing: ['core', 'stages', 'runtime', 'config', 'testing'],
};

/** Files that may import more than their layer, each for the reason given. */
export const LAYER_EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // `topology test` is the command-line form of the driver, loaded only when it runs.
  'cli/topology-test.ts': ['testing'],
};

/** Packages that only these folders below src may import. A trailing `*` matches the rest of a name. */
export const OWNED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'node-av': ['adapters/media-libav'],
  'fluent-ffmpeg': ['adapters/media-ffmpeg'],
  'onnxruntime-node': ['adapters/inference-onnx'],
  'onnxruntime-common': ['adapters/inference-onnx'],
  avsc: ['adapters/schemas'],
  // kafka-setup holds a lock that the operating system frees with its process: SQLite's.
  'node:sqlite': ['adapters/log-sqlite', 'adapters/table-sqlite', 'adapters/kafka-setup'],
  'node-rdkafka': ['adapters/log-kafka'],
  kafkajs: ['adapters/log-kafka', 'adapters/kafka-setup'],
  '@aws-sdk*': ['adapters/objects-s3'],
  pino: ['adapters/telemetry'],
  '@opentelemetry/sdk*': ['adapters/telemetry'],
  '@opentelemetry/exporter*': ['adapters/telemetry'],
  '@opentelemetry/resources': ['adapters/telemetry'],
  '@opentelemetry/context-async-hooks': ['adapters/telemetry'],
  commander: ['cli'],
};

/** Layers that may import these packages and parts of Node only, all of them without effects. */
export const PURE_LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: ['node:crypto', 'unicode-emoji-json', 'zod'],
};
