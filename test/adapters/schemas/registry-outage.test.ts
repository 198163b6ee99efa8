/** What a registry in trouble does to records: an outage waits, an unknown schema is the record's own. Driven in virtual time. */
import { describe, expect, it } from 'vitest';
import { AvroSerde } from '../../../src/adapters/schemas/avro-serde.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import type { RecordHandler } from '../../../src/runtime/handler.ts';
import type { SchemaRegistry } from '../../../src/runtime/serde.ts';
import { outputHeaders, TopologyDriver } from '../../../src/testing/index.ts';
import { fused, INPUT, LETTERS, RANKING } from '../../testing/shapes.ts';

const schemaOf = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
const ID = { name: 'id', type: 'string' };
const OURS = { id: 1, schema: schemaOf(ID) };
/** What a newer process writes; ours reads it. */
const NEWER = { id: 2, schema: schemaOf(ID, { name: 'more', type: 'int', default: 0 }) };

interface Fields {
  readonly id: string;
}

function serdeOn(registry: SchemaRegistry, writer: { id: number; schema: string }) {
  const same = (raw: Fields) => raw;
  return new AvroSerde<Fields, Fields>(registry, writer, { toRaw: same, fromRaw: same });
}

/** At the port: `answer` decides what a look-up of the newer schema's id comes to. */
function registryThat(answer: () => string): SchemaRegistry & { readonly lookUps: number } {
  const known = new Map([[OURS.id, OURS.schema]]);
  const registry = {
    lookUps: 0,
    known: (id: number) => known.get(id),
    lookUp: async (id: number) => {
      registry.lookUps += 1;
      const schema = answer();
      known.set(id, schema);
      return schema;
    },
    register: async () => OURS.id,
    versions: async () => [],
  };
  return registry;
}

function drive(answer: (now: number) => string) {
  const driver: TopologyDriver = new TopologyDriver({ topology: fused, handlerOf: () => handler });
  const registry = registryThat(() => answer(driver.clock.now()));
  const serde = serdeOn(registry, OURS);
  const handler: RecordHandler = {
    handle: async (record, context) => {
      context.step('read');
      const bytes = record.value ?? new Uint8Array();
      await serde.prepare(bytes);
      const { id } = serde.deserialize(bytes);
      const headers = outputHeaders({ source: record, lane: 'live', revision: 0, tier: 1 });
      const output = {
        topic: RANKING,
        timestamp: 0,
        key: record.key,
        value: serde.serialize({ id }),
        headers,
      };
      return { outputs: [output], order: { id, revision: 0, tier: 1 } };
    },
    rejected: () => undefined,
  };
  const newer = serdeOn(registry, NEWER);
  const ours = serdeOn(registry, OURS);
  const pipe = (id: string, from: typeof ours) =>
    driver.pipe(INPUT, [
      {
        key: new TextEncoder().encode(id),
        // The writer has fields of its own, which its schema asks for.
        value: from.serialize(from === newer ? ({ id, more: 1 } as Fields) : { id }),
      },
    ]);
  return { driver, registry, newer, ours, pipe };
}

describe('a registry that is away', () => {
  it('pauses intake for a minute, costs no record its budget, and leaves no dead letter', async () => {
    let awayUntil = Number.POSITIVE_INFINITY;
    const { driver, registry, newer, pipe } = drive((now) => {
      if (now < awayUntil) throw new FirstFiveError('REGISTRY_UNAVAILABLE', 'no connection');
      return NEWER.schema;
    });
    awayUntil = driver.clock.now() + 60_000;
    for (let i = 0; i < 10; i++) pipe(`u${i}`, newer);
    await driver.advance(30_000);
    expect(driver.health().reasons.join()).toMatch(/intake paused \(work\) .* REGISTRY_UNAVAILABLE/);
    expect(driver.records(RANKING)).toEqual([]);
    await driver.settle();
    expect(driver.records(RANKING)).toHaveLength(10);
    expect(driver.deadLetters()).toEqual([]);
    expect(driver.problems()).toEqual([]);
    // Few, since the gate is closed in between; and none once the schema is here.
    expect(registry.lookUps).toBeLessThan(60);
  });
});

describe('a schema that the registry does not know', () => {
  const unknown = () => new FirstFiveError('SCHEMA_UNKNOWN', 'no schema with the id 2');

  it('spends the record’s attempts, then ends in the dead letters with its bytes, beside records that go through', async () => {
    const { driver, newer, ours, pipe } = drive(() => {
      throw unknown();
    });
    pipe('strange', newer);
    pipe('good', ours);
    await driver.settle();
    expect(driver.deadLetters()).toMatchObject([{ code: 'SCHEMA_UNKNOWN', attempts: 3 }]);
    const [letter] = driver.records(LETTERS);
    expect(letter?.value).toEqual(driver.records(INPUT).find(({ value }) => value?.[4] === NEWER.id)?.value);
    expect(driver.records(RANKING)).toHaveLength(1);
  });

  it('goes through when the schema appears between two attempts', async () => {
    let tries = 0;
    const { driver, newer, pipe } = drive(() => {
      if (++tries < 3) throw unknown();
      return NEWER.schema;
    });
    pipe('early', newer);
    await driver.settle();
    expect(driver.records(RANKING)).toHaveLength(1);
    expect(driver.deadLetters()).toEqual([]);
  });
});
