/**
 * Whether a settled run kept its promises, from what its topics hold and what its handlers answered.
 *
 * D1. Nothing lost: every input record of every stage was emitted, dead-lettered, superseded, or had nothing to emit.
 * D2. Nothing doubled: one output a topic and one dead letter at most for each of them.
 * D3. Order: in a guarded topic, a key's (revision, tier) never goes down, and ends at the highest that was due.
 */
import type { DeadLetter } from '../core/dead-letter.ts';
import { headerText, partitionKey, type StreamRecord } from '../core/record.ts';
import type { EmissionOrder } from '../runtime/handler.ts';
import { compareOrder } from '../runtime/latest-table.ts';
import { REVISION_HEADER, sourceOf, TIER_HEADER } from '../runtime/record-headers.ts';
import { guardedTopic, type StageSpec, type Topology } from '../runtime/topology.ts';
import type { HandlerLog } from './handler-log.ts';

export interface SettledRun {
  readonly topology: Topology;
  records(topic: string): readonly StreamRecord[];
  deadLetters(): readonly DeadLetter[];
}

type Order = Pick<EmissionOrder, 'revision' | 'tier'>;

export function deliveryProblems(run: SettledRun, answers: HandlerLog): readonly string[] {
  const letters = Map.groupBy(run.deadLetters(), ({ origin }) => placeOf(origin));
  return run.topology.stages.flatMap((stage) => {
    const guarded = guardedTopic(stage);
    const emissions = guarded === undefined ? undefined : emissionsByKey(run.records(guarded));
    const check = new StageCheck(stage, run, { answers, letters, emissions });
    return [...check.problems(), ...(emissions === undefined ? [] : orderProblems(stage, emissions))];
  });
}

interface Evidence {
  readonly answers: HandlerLog;
  readonly letters: ReadonlyMap<string, readonly DeadLetter[]>;
  readonly emissions: ReadonlyMap<string, readonly Order[]> | undefined;
}

class StageCheck {
  readonly #stage: StageSpec;
  readonly #inputs: readonly StreamRecord[];
  readonly #outputs: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly #evidence: Evidence;

  constructor(stage: StageSpec, run: SettledRun, evidence: Evidence) {
    this.#stage = stage;
    this.#inputs = run.records(stage.input);
    const topics = Object.values(stage.outputs);
    this.#outputs = new Map(topics.map((topic) => [topic, countBySource(run.records(topic))]));
    this.#evidence = evidence;
  }

  problems(): readonly string[] {
    const highest = new Map<string, Order>();
    const problems = this.#inputs.flatMap((record) => this.#recordProblems(record, highest));
    const { emissions } = this.#evidence;
    if (emissions === undefined) return problems;
    for (const [id, order] of highest) {
      const last = emissions.get(id)?.at(-1);
      if (last !== undefined && compareOrder(last, order) >= 0) continue;
      problems.push(`${this.#stage.name}: ${id} ends at ${textOf(last)}, not at ${textOf(order)}`);
    }
    return problems;
  }

  #recordProblems(record: StreamRecord, highest: Map<string, Order>): readonly string[] {
    const { name } = this.#stage;
    const letters = this.#evidence.letters.get(placeOf(record))?.length ?? 0;
    const answer = this.#evidence.answers.answer(name, record, letters > 0);
    const source = `${name}: ${placeOf(record)} (${sourceOf(record)})`;
    if (answer === undefined) return [`${source} was lost: it never had a result`];
    const problems = letters > 1 ? [`${source} has ${letters} dead letters`] : [];
    const { order } = answer;
    if (order !== undefined && compareOrder(highest.get(order.id) ?? order, order) <= 0) {
      highest.set(order.id, order);
    }
    const isSuperseded = order !== undefined && this.#wasOvertaken(order);
    for (const topic of this.#outputs.keys()) {
      const count = this.#outputs.get(topic)?.get(sourceOf(record)) ?? 0;
      const due = answer.topics.includes(topic);
      if (count > 1) problems.push(`${source} was doubled: ${count} times in ${topic}`);
      if (count === 0 && due && !isSuperseded) problems.push(`${source} was lost: nothing of it in ${topic}`);
    }
    return problems;
  }

  #wasOvertaken(order: EmissionOrder): boolean {
    const emissions = this.#evidence.emissions?.get(order.id) ?? [];
    return emissions.some((emitted) => compareOrder(emitted, order) > 0);
  }
}

function orderProblems(stage: StageSpec, emissions: ReadonlyMap<string, readonly Order[]>): string[] {
  const problems: string[] = [];
  for (const [id, orders] of emissions) {
    for (const [i, order] of orders.entries()) {
      const before = orders[i - 1];
      if (before !== undefined && compareOrder(order, before) < 0) {
        problems.push(`${stage.name}: ${id} was emitted as ${textOf(order)} after ${textOf(before)}`);
      }
    }
  }
  return problems;
}

function emissionsByKey(records: readonly StreamRecord[]): ReadonlyMap<string, readonly Order[]> {
  const byKey = new Map<string, Order[]>();
  for (const record of records) {
    const revision = headerText(record.headers, REVISION_HEADER);
    const tier = headerText(record.headers, TIER_HEADER) ?? 0;
    if (record.key === null || revision === undefined) continue;
    const id = new TextDecoder().decode(record.key);
    const orders = byKey.get(id) ?? [];
    orders.push({ revision: Number(revision), tier: Number(tier) });
    byKey.set(id, orders);
  }
  return byKey;
}

function countBySource(records: readonly StreamRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) counts.set(sourceOf(record), (counts.get(sourceOf(record)) ?? 0) + 1);
  return counts;
}

function placeOf(record: Pick<StreamRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${partitionKey(record)}@${record.offset}`;
}

function textOf(order: Order | undefined): string {
  return order === undefined ? 'nothing' : `revision ${order.revision}, tier ${order.tier}`;
}
