import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { type FirstFiveTelemetry, startTelemetry } from '../../../src/adapters/telemetry/telemetry.ts';

const base = { serviceVersion: '1.2.3', instance: '7' };
let running: FirstFiveTelemetry | undefined;
let collector: Server | undefined;

afterEach(async () => {
  await running?.shutdown();
  running = undefined;
  collector?.close();
  collector = undefined;
});

/** A collector that speaks OTLP over HTTP: keeps bodies by path. */
async function startCollector(): Promise<{ url: string; bodies: Map<string, Buffer[]> }> {
  const bodies = new Map<string, Buffer[]>();
  collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = request.url ?? '';
      bodies.set(path, [...(bodies.get(path) ?? []), Buffer.concat(parts)]);
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((listening) => collector?.listen(0, '127.0.0.1', listening));
  const { port } = collector.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, bodies };
}

/** Samples of the Prometheus text format: name and labels to value. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)$/.exec(line);
      if (match === null) throw new Error(`no sample: ${line}`);
      return [match[1] ?? '', Number(match[2])];
    }),
  );
}

describe('telemetry that nobody asked for', () => {
  it('loads nothing of the SDK and leaves the API without effect', () => {
    const entry = fileURLToPath(new URL('../../../src/adapters/telemetry/telemetry.ts', import.meta.url));
    const script = `
      const { registerHooks } = await import('node:module');
      const loaded = [];
      registerHooks({ resolve(specifier, ctx, next) { loaded.push(specifier); return next(specifier, ctx); } });
      const { startTelemetry } = await import(${JSON.stringify(entry)});
      const telemetry = await startTelemetry({ serviceVersion: '1', instance: '0', prometheus: false });
      console.log(JSON.stringify([await telemetry.metricsText(), loaded.filter((name) => name.includes('opentelemetry'))]));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual(['', []]);
  });
});

describe('metrics', () => {
  it('are readable in the Prometheus text format, with their names, units and labels', async () => {
    running = await startTelemetry({ ...base, prometheus: true });
    const meter = metrics.getMeter('firstfive');
    meter.createCounter('firstfive.records').add(3, { stage: 'score', outcome: 'emitted' });
    meter
      .createHistogram('firstfive.step.duration', {
        unit: 's',
        advice: { explicitBucketBoundaries: [0.1, 1] },
      })
      .record(0.5, { step: 'embed' });
    const samples = samplesOf(await running.metricsText());
    expect(samples.get('firstfive_records_total{stage="score",outcome="emitted"}')).toBe(3);
    expect(samples.get('firstfive_step_duration_seconds_bucket{step="embed",le="0.1"}')).toBe(0);
    expect(samples.get('firstfive_step_duration_seconds_bucket{step="embed",le="1"}')).toBe(1);
    expect(samples.get('firstfive_step_duration_seconds_sum{step="embed"}')).toBe(0.5);
  });

  it('say of the process what it costs', async () => {
    running = await startTelemetry({ ...base, prometheus: true });
    const samples = samplesOf(await running.metricsText());
    expect(samples.get('process_memory_usage_bytes')).toBeGreaterThan(10_000_000);
    expect(samples.get('process_cpu_time_seconds_total{cpu_mode="user"}')).toBeGreaterThan(0);
    expect(samples.get('nodejs_eventloop_utilization_ratio')).toBeLessThanOrEqual(1);
    expect(samples.get('nodejs_eventloop_delay_p99_seconds')).toBeGreaterThanOrEqual(0);
  });

  it('carry the identity of the service in one place', async () => {
    running = await startTelemetry({ ...base, prometheus: true });
    const text = await running.metricsText();
    expect(text).toMatch(
      /^target_info\{.*service_name="firstfive".*service_version="1.2.3".*service_instance_id="7"/m,
    );
    expect(text).not.toContain('otel_scope_name');
  });

  it('start anew after a shutdown', async () => {
    const first = await startTelemetry({ ...base, prometheus: true });
    metrics.getMeter('firstfive').createCounter('firstfive.records').add(3);
    await first.shutdown();
    running = await startTelemetry({ ...base, prometheus: true });
    metrics.getMeter('firstfive').createCounter('firstfive.records').add(1);
    expect(samplesOf(await running.metricsText()).get('firstfive_records_total')).toBe(1);
  });
});

describe('OTLP', () => {
  it('sends traces and metrics to the collector, at the latest at the shutdown', async () => {
    const { url, bodies } = await startCollector();
    const telemetry = await startTelemetry({ ...base, prometheus: false, otlp: url });
    trace.getTracer('firstfive').startSpan('process media.upload.created.v1').end();
    metrics.getMeter('firstfive').createCounter('firstfive.records').add(1);
    await telemetry.shutdown();
    // Strings stand in protobuf as they are: no decoder is needed to find them.
    expect(Buffer.concat(bodies.get('/v1/traces') ?? []).toString('latin1')).toContain(
      'process media.upload.created.v1',
    );
    const metricsBody = Buffer.concat(bodies.get('/v1/metrics') ?? []).toString('latin1');
    expect(metricsBody).toContain('firstfive.records');
    expect(metricsBody).toContain('service.instance.id');
  });

  it('carries the trace in W3C headers, across awaits', async () => {
    const { url } = await startCollector();
    running = await startTelemetry({ ...base, prometheus: false, otlp: url });
    const span = trace.getTracer('firstfive').startSpan('parent');
    const headers: Record<string, string> = {};
    await context.with(trace.setSpan(context.active(), span), async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      propagation.inject(context.active(), headers);
    });
    span.end();
    const { traceId, spanId } = span.spanContext();
    expect(headers.traceparent).toBe(`00-${traceId}-${spanId}-01`);
  });

  it('sends no trace when the ratio is 0', async () => {
    const { url, bodies } = await startCollector();
    const telemetry = await startTelemetry({ ...base, prometheus: false, otlp: url, traceRatio: 0 });
    trace.getTracer('firstfive').startSpan('none').end();
    await telemetry.shutdown();
    expect(bodies.has('/v1/traces')).toBe(false);
  });

  it('neither fails nor holds up the shutdown when the collector is gone, and says so once', async () => {
    const { url } = await startCollector();
    collector?.close();
    const problems: string[] = [];
    const telemetry = await startTelemetry({
      ...base,
      prometheus: true,
      otlp: url,
      metricIntervalMs: 6_000,
      onProblem: (reason) => problems.push(reason),
    });
    trace.getTracer('firstfive').startSpan('lost').end();
    const startedAt = performance.now();
    await telemetry.shutdown();
    expect(performance.now() - startedAt).toBeLessThan(7_000);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/ECONNREFUSED/);
  });
});
