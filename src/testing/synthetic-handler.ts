/**
 * Handlers that need no media and no model: each step passes its upload on, deterministically. What an upload does on its
 * way is written in its event, so that a whole topology can be tried for delivery alone.
 *
 * S1. As the real handlers do it: outputs carry `outputHeaders`, a rejected upload travels on as a tombstone, and the stage
 *     that scores emits its base rate (tier 0) under the emission order.
 */
import { FirstFiveError } from '../core/errors.ts';
import { headerText, type OutputRecord, type StreamRecord } from '../core/record.ts';
import type { Lane } from '../core/upload.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HandlerResult, RecordHandler } from '../runtime/handler.ts';
import { type OutputOrigin, outputHeaders, REVISION_HEADER, rejectionOf } from '../runtime/record-headers.ts';
import type { StageSpec } from '../runtime/topology.ts';
import type { PipedRecord } from './driver-options.ts';

/** `corrupt` is rejected at once by the first stage, `changed` fails each attempt until the retry budget is spent. */
export const SYNTHETIC_FATES = ['scored', 'corrupt', 'changed'] as const;
export type SyntheticFate = (typeof SYNTHETIC_FATES)[number];

export interface SyntheticUpload {
  readonly id: string;
  readonly revision: number;
  readonly fate: SyntheticFate;
}

const SCORED_TIER = 1;

export function syntheticRecord(upload: SyntheticUpload): PipedRecord {
  return { key: bytesOf(upload.id), value: bytesOf(JSON.stringify(upload)) };
}

export function syntheticHandler(stage: StageSpec, clock: Clock): RecordHandler {
  const steps = new SyntheticSteps(stage, clock);
  const isFirst = stage.steps[0] === 'extract';
  return {
    handle: async (record, context) => {
      context.step(stage.steps[0] ?? 'score');
      if (rejectionOf(record) !== undefined) return steps.givenUp(record, context.lane);
      const { fate } = uploadOf(record);
      if (isFirst && fate === 'corrupt') throw new FirstFiveError('MEDIA_CORRUPT', 'a synthetic rejection');
      if (isFirst && fate === 'changed') throw new FirstFiveError('MEDIA_CHANGED', 'a synthetic failure');
      return steps.passedOn(record, context.lane);
    },
    rejected: (record, _error, lane) => steps.givenUp(record, lane),
  };
}

class SyntheticSteps {
  readonly #stage: StageSpec;
  readonly #clock: Clock;

  constructor(stage: StageSpec, clock: Clock) {
    this.#stage = stage;
    this.#clock = clock;
  }

  passedOn(record: StreamRecord, lane: Lane): HandlerResult {
    const revision = revisionOf(record);
    const outputs: OutputRecord[] = [];
    for (const step of this.#stage.steps) {
      const topic = this.#stage.outputs[step];
      if (topic === undefined) continue;
      const origin = { source: record, lane, revision, ...(step === 'score' ? { tier: SCORED_TIER } : {}) };
      outputs.push(this.#output(topic, record.value, origin));
    }
    return { outputs, order: { id: idOf(record), revision, tier: this.#scores ? SCORED_TIER : 0 } };
  }

  givenUp(record: StreamRecord, lane: Lane): HandlerResult {
    const revision = revisionOf(record);
    const order = { id: idOf(record), revision, tier: 0 };
    const topic = this.#stage.outputs[this.#stage.steps.at(-1) ?? 'score'];
    if (topic === undefined) return { outputs: [] };
    const origin = { source: record, lane, revision };
    const output = this.#scores
      ? this.#output(topic, bytesOf('base rate'), { ...origin, tier: 0 })
      : this.#output(topic, null, {
          ...origin,
          rejection: { code: 'MEDIA_CORRUPT', uploadedAt: record.timestamp },
        });
    return { outputs: [output], order };
  }

  get #scores(): boolean {
    return this.#stage.steps.includes('score');
  }

  #output(topic: string, value: Uint8Array | null, origin: OutputOrigin): OutputRecord {
    return {
      topic,
      timestamp: this.#clock.now(),
      key: origin.source.key,
      value,
      headers: outputHeaders(origin),
    };
  }
}

function uploadOf(record: StreamRecord): SyntheticUpload {
  return JSON.parse(new TextDecoder().decode(record.value ?? undefined)) as SyntheticUpload;
}

function revisionOf(record: StreamRecord): number {
  const written = headerText(record.headers, REVISION_HEADER);
  return written === undefined ? uploadOf(record).revision : Number(written);
}

function idOf(record: StreamRecord): string {
  return new TextDecoder().decode(record.key ?? undefined);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
