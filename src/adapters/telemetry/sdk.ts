/** The SDK behind the API: one provider for traces, one for metrics, one place that ends them. */
import { context, DiagLogLevel, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { type IMetricReader, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { observeProcess } from './process-metrics.ts';
import { withUnitNames } from './prometheus-names.ts';
import type { FirstFiveTelemetry, TelemetryOptions } from './telemetry-options.ts';

const EXPORT_TIMEOUT_MS = 5_000;
const SHUTDOWN_TIMEOUT_MS = 5_000;
const PROBLEM_INTERVAL_MS = 60_000;

export function startSdk(options: TelemetryOptions): FirstFiveTelemetry {
  reportProblems(options);
  const resource = defaultResource().merge(
    resourceFromAttributes({
      'service.name': 'firstfive',
      'service.version': options.serviceVersion,
      'service.instance.id': options.instance,
    }),
  );
  const prometheus = options.prometheus ? new PrometheusExporter({ preventServerStart: true }) : undefined;
  const meters = startMetrics(options, resource, prometheus);
  const tracers = options.otlp === undefined ? undefined : startTraces(options, options.otlp, resource);
  const stopObserving = observeProcess();
  return {
    metricsText: async () => (prometheus === undefined ? '' : collectText(prometheus)),
    shutdown: async () => {
      stopObserving();
      await bounded(Promise.allSettled([meters.shutdown(), tracers?.shutdown()]));
      for (const api of [trace, metrics, propagation, context, diag]) api.disable();
    },
  };
}

function startMetrics(
  options: TelemetryOptions,
  resource: Resource,
  prometheus: PrometheusExporter | undefined,
): MeterProvider {
  const readers: IMetricReader[] = prometheus === undefined ? [] : [prometheus];
  if (options.otlp !== undefined) {
    const exporter = new OTLPMetricExporter({
      url: `${options.otlp}/v1/metrics`,
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    readers.push(
      new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: options.metricIntervalMs ?? 15_000,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    );
  }
  const provider = new MeterProvider({ resource, readers });
  metrics.setGlobalMeterProvider(provider);
  return provider;
}

function startTraces(options: TelemetryOptions, otlp: string, resource: Resource): TracerProvider {
  const exporter = new OTLPTraceExporter({ url: `${otlp}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.traceRatio ?? 1) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_TIMEOUT_MS })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return provider;
}

async function collectText(prometheus: PrometheusExporter): Promise<string> {
  const { resourceMetrics, errors } = await prometheus.collect();
  for (const error of errors) diag.error('a metric could not be read', error);
  // Scope labels would add three to every series; there is one scope.
  return new PrometheusSerializer('', false, undefined, false, true).serialize(
    withUnitNames(resourceMetrics),
  );
}

function reportProblems({ onProblem }: TelemetryOptions): void {
  if (onProblem === undefined) return;
  let last = Number.NEGATIVE_INFINITY;
  const report = (message: string) => {
    const now = performance.now();
    if (now - last < PROBLEM_INTERVAL_MS) return;
    last = now;
    onProblem(message.slice(0, 500));
  };
  const ignore = () => {};
  const logger = { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

async function bounded(work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, SHUTDOWN_TIMEOUT_MS);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
