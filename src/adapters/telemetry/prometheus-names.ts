/**
 * Metric names as Prometheus wants them: with the unit at the end (`firstfive_step_duration_seconds`). The exporter only
 * adds `_total` to counters; without the unit in the name nobody reading a dashboard knows it.
 */
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** UCUM, as OpenTelemetry writes units, to the words of Prometheus' naming practice. */
const SUFFIXES: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  By: 'bytes',
  '1': 'ratio',
};

export function withUnitNames(collected: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = collected.scopeMetrics.map(({ scope, metrics }) => ({
    scope,
    metrics: metrics.map(renamed),
  }));
  return { resource: collected.resource, scopeMetrics };
}

function renamed(metric: MetricData): MetricData {
  const { name, unit } = metric.descriptor;
  const suffix = SUFFIXES[unit];
  const descriptor = {
    ...metric.descriptor,
    name: suffix === undefined ? name : `${name}.${suffix}`,
    unit: '',
  };
  return { ...metric, descriptor };
}
