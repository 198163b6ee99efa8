/** What the handlers of a driven run answered, by stage and upload event: what should have come of each record. */
import type { StreamRecord } from '../core/record.ts';
import type { EmissionOrder, HandlerResult } from '../runtime/handler.ts';
import { sourceOf } from '../runtime/record-headers.ts';

export interface Answer {
  /** Topics that outputs are for. */
  readonly topics: readonly string[];
  readonly order: EmissionOrder | undefined;
}

const NO_ANSWER: Answer = { topics: [], order: undefined };

/** Handlers are taken to be deterministic: the last answer stands for all. */
export class HandlerLog {
  readonly #handled = new Map<string, Answer>();
  readonly #rejected = new Map<string, Answer>();

  handled(stage: string, record: StreamRecord, result: HandlerResult): void {
    this.#handled.set(keyOf(stage, record), answerOf(result));
  }

  rejected(stage: string, record: StreamRecord, result: HandlerResult | undefined): void {
    this.#rejected.set(keyOf(stage, record), result === undefined ? NO_ANSWER : answerOf(result));
  }

  /** `undefined` when the record never had such an answer. */
  answer(stage: string, record: StreamRecord, wasRejected: boolean): Answer | undefined {
    return (wasRejected ? this.#rejected : this.#handled).get(keyOf(stage, record));
  }
}

function answerOf({ outputs, order }: HandlerResult): Answer {
  return { topics: outputs.map((output) => output.topic), order };
}

function keyOf(stage: string, record: StreamRecord): string {
  return `${stage} ${sourceOf(record)}`;
}
