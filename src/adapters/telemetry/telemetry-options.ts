/** What telemetry is asked for, and what it gives. */

export interface TelemetryOptions {
  readonly serviceVersion: string;
  /** Names this process among its replicas (`service.instance.id`). */
  readonly instance: string;
  /** Keep metrics to be read by `metricsText`. */
  readonly prometheus: boolean;
  /** OTLP over HTTP with protobuf: base URL, `/v1/traces` and `/v1/metrics` are appended. Absent: nothing is sent. */
  readonly otlp?: string;
  /** Share of traces that begin here and are sent, 0 to 1; a trace begun upstream keeps its decision. Default 1. */
  readonly traceRatio?: number;
  /** How often metrics are sent by OTLP; default 15,000. */
  readonly metricIntervalMs?: number;
  /** Called at most once a minute with what the SDK complains of, an unreachable collector above all. */
  readonly onProblem?: (reason: string) => void;
}

export interface FirstFiveTelemetry {
  /** Every metric in the Prometheus text format, version 0.0.4; empty when metrics were not asked for. */
  metricsText(): Promise<string>;
  /** Sends what is queued, for at most five seconds, and switches the API back to no-ops. */
  shutdown(): Promise<void>;
}
