/**
 * The runtime's events, each emitting its span or metric in one place. OpenTelemetry's API only: without an SDK
 * registered every call here is a no-op. Attribute names follow the messaging conventions (status: Development), so they
 * are gathered here and nowhere else.
 */
import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  metrics,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import type { FirstFiveError } from '../core/errors.ts';
import { headerText, type OutputRecord, type RecordHeaders, type StreamRecord } from '../core/record.ts';

export type RecordOutcome = 'emitted' | 'superseded' | 'retried' | 'dead-lettered';

/** Buckets reach to a minute: media work is slower than the conventions' advice of 10 s. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const headerGetter: TextMapGetter<RecordHeaders> = {
  get: (headers, key) => headerText(headers, key),
  keys: (headers) => headers.map(([name]) => name),
};
const headerSetter: TextMapSetter<[string, Uint8Array][]> = {
  set: (headers, key, value) => headers.push([key, new TextEncoder().encode(value)]),
};

/** Headers that carry the trace of `parent`; empty without an SDK. */
export function traceHeaders(parent: Context): RecordHeaders {
  const headers: [string, Uint8Array][] = [];
  propagation.inject(parent, headers, headerSetter);
  return headers;
}

const UNTRACED = { span: trace.wrapSpanContext(INVALID_SPAN_CONTEXT), parent: undefined };

function hasTracer(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('firstfive') !== undefined;
}

/** Looked up once for each run of a topic: most units have one topic only. */
function countByTopic(outputs: readonly OutputRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < outputs.length; ) {
    const topic = outputs[i]?.topic ?? '';
    const from = i;
    while (i < outputs.length && outputs[i]?.topic === topic) i += 1;
    counts.set(topic, (counts.get(topic) ?? 0) + i - from);
  }
  return counts;
}

export class StageTelemetry {
  readonly #stage: string;
  readonly #groupId: string;
  #tracing = false;
  readonly #tracer = trace.getTracer('firstfive');
  readonly #meter = metrics.getMeter('firstfive');
  readonly #consumed = this.#meter.createCounter('messaging.client.consumed.messages');
  readonly #sent = this.#meter.createCounter('messaging.client.sent.messages');
  readonly #process = this.#histogram(
    'messaging.process.duration',
    'A record, from its intake to its result',
  );
  readonly #step = this.#histogram('firstfive.step.duration', 'One step of one attempt');
  readonly #commit = this.#histogram('firstfive.commit.duration', 'One atomic commit of outputs and offsets');
  readonly #results = this.#meter.createCounter('firstfive.records', { description: 'Records by outcome' });
  readonly #failures = this.#meter.createCounter('firstfive.failures', {
    description: 'Failed attempts by code',
  });
  readonly #aborts = this.#meter.createCounter('firstfive.commit.aborts');

  constructor(stage: string, groupId: string) {
    this.#stage = stage;
    this.#groupId = groupId;
  }

  consumed(topic: string, records: number): void {
    this.#consumed.add(records, { ...this.#messaging(topic), 'messaging.operation.name': 'poll' });
  }

  /** The span of one record; its parent is the producer's, from the record's own headers. No context when nobody traces. */
  startRecord(record: StreamRecord): { readonly span: Span; readonly parent: Context | undefined } {
    if (!this.#traces()) return UNTRACED;
    const upstream = propagation.extract(context.active(), record.headers, headerGetter);
    const attributes = {
      ...this.#messaging(record.topic),
      'messaging.operation.name': 'process',
      'messaging.destination.partition.id': String(record.partition),
      'messaging.kafka.offset': Number(record.offset),
    };
    const span = this.#tracer.startSpan(
      `process ${record.topic}`,
      { kind: SpanKind.CONSUMER, attributes },
      upstream,
    );
    return { span, parent: trace.setSpan(upstream, span) };
  }

  /** Somebody takes the spans, or hands trace contexts on. Asked until it is so. */
  #traces(): boolean {
    this.#tracing ||= hasTracer() || propagation.fields().length > 0;
    return this.#tracing;
  }

  recordDone(
    span: Span,
    topic: string,
    outcome: RecordOutcome,
    seconds: number,
    error?: FirstFiveError,
  ): void {
    const attributes = { stage: this.#stage, outcome };
    this.#results.add(1, error === undefined ? attributes : { ...attributes, 'error.type': error.code });
    this.#process.record(seconds, { ...this.#messaging(topic), outcome });
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error.code });
    span.setAttribute('firstfive.outcome', outcome);
    span.end();
  }

  attemptFailed(error: FirstFiveError): void {
    this.#failures.add(1, { stage: error.stage ?? this.#stage, 'error.type': error.code, kind: error.kind });
  }

  stepDone(step: string, seconds: number): void {
    this.#step.record(seconds, { stage: this.#stage, step });
  }

  committed(outputs: readonly OutputRecord[], seconds: number): void {
    this.#commit.record(seconds, { stage: this.#stage });
    for (const [topic, count] of countByTopic(outputs)) {
      this.#sent.add(count, { ...this.#messaging(topic), 'messaging.operation.name': 'send' });
    }
  }

  commitAborted(code: string): void {
    this.#aborts.add(1, { stage: this.#stage, 'error.type': code });
  }

  /** Gauges read on collection: what is in flight, the age of the frontier, and lag by partition. */
  observe(
    read: () => {
      inFlight: number;
      bytes: number;
      frontierAgeMs: number;
      waiting: number;
      lag: ReadonlyMap<string, number>;
    },
  ): void {
    const inFlight = this.#meter.createObservableGauge('firstfive.in_flight.records');
    const bytes = this.#meter.createObservableGauge('firstfive.in_flight.size', { unit: 'By' });
    const age = this.#meter.createObservableGauge('firstfive.frontier.age', { unit: 's' });
    const waiting = this.#meter.createObservableGauge('firstfive.retries.waiting', {
      description: 'Records of retry topics that are not due yet',
    });
    const lag = this.#meter.createObservableGauge('firstfive.lag', {
      description: 'End offset minus frontier',
    });
    this.#meter.addBatchObservableCallback(
      (result) => {
        const now = read();
        const stage = { stage: this.#stage };
        result.observe(inFlight, now.inFlight, stage);
        result.observe(bytes, now.bytes, stage);
        result.observe(age, now.frontierAgeMs / 1000, stage);
        result.observe(waiting, now.waiting, stage);
        for (const [partition, value] of now.lag) result.observe(lag, value, { ...stage, partition });
      },
      [inFlight, bytes, age, waiting, lag],
    );
  }

  #histogram(name: string, description: string) {
    return this.#meter.createHistogram(name, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries: SECONDS },
    });
  }

  #messaging(topic: string) {
    return {
      'messaging.system': 'firstfive',
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': this.#groupId,
    };
  }
}
