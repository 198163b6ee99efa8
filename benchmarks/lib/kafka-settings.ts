/** What a pass-through process is told: the same words in the environment for every language. */

export interface PassThroughSettings {
  readonly brokers: string;
  readonly input: string;
  readonly output: string;
  readonly group: string;
  readonly intervalMs: number;
  readonly delivery: 'exactly-once' | 'at-least-once';
  /** Records of a unit, where they and not the interval decide when to commit (0: the interval does). */
  readonly unitRecords: number;
  /** Where the native Kafka client of this checkout lies; the processes in other languages have their own. */
  readonly clientDir: string;
}

export function toEnvironment(settings: PassThroughSettings): Record<string, string> {
  return {
    BENCH_BROKERS: settings.brokers,
    BENCH_INPUT: settings.input,
    BENCH_OUTPUT: settings.output,
    BENCH_GROUP: settings.group,
    BENCH_INTERVAL_MS: String(settings.intervalMs),
    BENCH_DELIVERY: settings.delivery,
    BENCH_UNIT_RECORDS: String(settings.unitRecords),
    BENCH_CLIENT_DIR: settings.clientDir,
  };
}

export function fromEnvironment(env: NodeJS.ProcessEnv): PassThroughSettings {
  const required = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`${name} is not set: the benchmark sets it`);
    return value;
  };
  return {
    brokers: required('BENCH_BROKERS'),
    input: required('BENCH_INPUT'),
    output: required('BENCH_OUTPUT'),
    group: required('BENCH_GROUP'),
    intervalMs: Number(required('BENCH_INTERVAL_MS')),
    delivery: required('BENCH_DELIVERY') === 'at-least-once' ? 'at-least-once' : 'exactly-once',
    unitRecords: Number(required('BENCH_UNIT_RECORDS')),
    clientDir: required('BENCH_CLIENT_DIR'),
  };
}
