import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createSerdes, openRestRegistry, SUBJECTS } from '../../../src/adapters/schemas/index.ts';
import type { RegistrySettings } from '../../../src/adapters/schemas/registry-credentials.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import type { SchemaRegistry } from '../../../src/runtime/serde.ts';
import { type FakeRegistry, startFakeRegistry } from '../../support/registry/fake-registry.ts';
import * as samples from './samples.ts';

const SCHEMA = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] });
const UNAVAILABLE = { code: 'REGISTRY_UNAVAILABLE', kind: 'systemic' };

let server: FakeRegistry;
beforeEach(async () => {
  const started = await startFakeRegistry();
  server = started;
  onTestFinished(() => started.close());
});

/** Backoff passes at once, so that no test waits for it. */
let sleeps: number[] = [];
const impatient: Clock = {
  now: () => systemClock.now(),
  after: (ms, callback) => {
    sleeps.push(ms);
    return systemClock.after(0, callback);
  },
};

function open(
  settings: RegistrySettings = {},
  more: { timeoutMs?: number; clock?: Clock } = {},
): SchemaRegistry {
  sleeps = [];
  return openRestRegistry({ url: server.url, settings, clock: impatient, random: () => 0.5, ...more });
}

describe('a REST registry', () => {
  it('fetches an id once for many that wait, and never again', async () => {
    server.add('s-value', { id: 7, schema: SCHEMA });
    const registry = open();
    const schemas = await Promise.all(Array.from({ length: 50 }, () => registry.lookUp(7)));
    expect(new Set(schemas)).toEqual(new Set([SCHEMA]));
    await registry.lookUp(7);
    expect(server.requests).toEqual(['GET /schemas/ids/7']);
  });

  it('asks again for an unknown id after a second at the earliest', async () => {
    let now = 1_000_000;
    const clock = { ...impatient, now: () => now };
    const registry = open({}, { clock });
    const unknown = { code: 'SCHEMA_UNKNOWN', kind: 'retryable' };
    await expect(registry.lookUp(9)).rejects.toMatchObject(unknown);
    now += 900;
    await expect(registry.lookUp(9)).rejects.toMatchObject(unknown);
    expect(server.requests).toHaveLength(1);
    server.add('s-value', { id: 9, schema: SCHEMA });
    now += 200;
    expect(await registry.lookUp(9)).toBe(SCHEMA);
    expect(server.requests).toHaveLength(2);
  });

  it('starts with read rights alone where its schemas are registered', async () => {
    await createSerdes(open());
    server.requests.length = 0;
    server.interfere = ({ method, path }) =>
      method === 'POST' && path.endsWith('/versions')
        ? { status: 403, body: '{"error_code":40301,"message":"read only"}' }
        : undefined;
    await createSerdes(open());
    expect(server.requests).toEqual(
      Object.values(SUBJECTS).map((subject) => `POST /subjects/${encodeURIComponent(subject)}`),
    );
    await expect(open().register('new-value', SCHEMA)).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringContaining('may not register'),
    });
  });

  it('serves serdes: a reader of another process fetches the writer’s schema once', async () => {
    const writer = await createSerdes(open());
    const bytes = writer.watch.serialize(samples.watch);
    const reader = await createSerdes(open());
    await reader.watch.prepare(bytes);
    expect(reader.watch.deserialize(bytes)).toEqual(samples.watch);
    expect(reader.watch.prepare(bytes)).toBeUndefined();
  });

  it('refuses a schema that the registry finds incompatible', async () => {
    server.interfere = ({ path }) =>
      path.endsWith('/versions')
        ? { status: 409, body: '{"error_code":409,"message":"too strict\\nfor you"}' }
        : undefined;
    await expect(open().register('s-value', SCHEMA)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    server.interfere = ({ method, path }) =>
      method === 'POST' && path.endsWith('/versions')
        ? { status: 409, body: '{"error_code":409,"message":"too strict\\nfor you"}' }
        : undefined;
    await expect(open().register('s-value', SCHEMA)).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
      message: expect.stringMatching(/too strict$/),
    });
  });

  it('holds a schema of another kind for undecodable, and a record of it for no outage', async () => {
    server.add('s-value', { id: 5, schema: 'message R {}', schemaType: 'PROTOBUF' });
    await expect(open().lookUp(5)).rejects.toMatchObject({
      code: 'RECORD_UNDECODABLE',
      message: 'schema 5 is PROTOBUF, not Avro',
    });
  });
});

describe('a REST registry in trouble', () => {
  it.each([
    ['500', { status: 500, body: '{"error_code":50001,"message":"store"}' }],
    ['503 from a proxy', { status: 503, body: '<html>busy</html>' }],
    ['429', { status: 429, body: '' }],
  ])('tries %s again with growing backoff, and goes on when it passes', async (_what, answer) => {
    server.add('s-value', { id: 7, schema: SCHEMA });
    let failures = 2;
    server.interfere = () => (failures-- > 0 ? answer : undefined);
    expect(await open().lookUp(7)).toBe(SCHEMA);
    expect(sleeps).toEqual([150, 300]);
    failures = 3;
    await expect(open().lookUp(7)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('gives up on a registry that does not answer in time, and says so', async () => {
    server.interfere = () => 'hang';
    await expect(open({}, { timeoutMs: 50 }).lookUp(7)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('no answer in time'),
    });
    expect(sleeps).toHaveLength(2);
  });

  it('names a connection that is refused', async () => {
    const { url } = server;
    await server.close();
    await expect(openRestRegistry({ url, clock: impatient }).lookUp(7)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: `the schema registry ${url}: no connection (ECONNREFUSED)`,
    });
  });

  it('does not take a wrong path for an unknown schema', async () => {
    const registry = openRestRegistry({ url: `${server.url}/no/such/path`, clock: impatient });
    await expect(registry.lookUp(7)).rejects.toMatchObject(UNAVAILABLE);
    server.interfere = () => ({ status: 404, body: '<html>not here</html>' });
    await expect(open().lookUp(7)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('is its path in the URL right?'),
    });
    server.interfere = () => ({ status: 200, body: '<html>log in</html>' });
    await expect(open().lookUp(7)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('follows no redirect and reads no endless answer', async () => {
    server.interfere = () => ({ status: 302, body: '', headers: { location: 'http://127.0.0.1:9/' } });
    await expect(open().lookUp(7)).rejects.toMatchObject(UNAVAILABLE);
    server.interfere = () => ({ status: 200, body: `"${'x'.repeat(9 * 1024 * 1024)}"` });
    await expect(open().lookUp(7)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('more than'),
    });
  });

  it('fetches again after an outage: a failure is not remembered', async () => {
    server.add('s-value', { id: 7, schema: SCHEMA });
    const registry = open();
    server.interfere = () => ({ status: 500, body: '' });
    await expect(registry.lookUp(7)).rejects.toMatchObject(UNAVAILABLE);
    server.interfere = () => undefined;
    expect(await registry.lookUp(7)).toBe(SCHEMA);
  });
});

describe('credentials of a REST registry', () => {
  const env = (settings: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`FIRSTFIVE_REGISTRY_${name}`, value]),
    );

  async function secretFile(text: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'ff-secret-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'secret'), text);
    return join(folder, 'secret');
  }

  it('sends basic credentials, the password from the environment or from a file', async () => {
    const file = await secretFile('pässword\n');
    const expected = `Basic ${Buffer.from('ff:pässword').toString('base64')}`;
    await open(env({ USERNAME: 'ff', PASSWORD: 'pässword' })).versions('s');
    await open(env({ USERNAME: 'ff', PASSWORD_FILE: file })).versions('s');
    expect(server.authorizations).toEqual([expected, expected]);
  });

  it('reads a token file again for each request, so that a renewed token is used', async () => {
    const file = await secretFile('first');
    const registry = open(env({ TOKEN_FILE: file }));
    await registry.versions('s');
    await writeFile(file, 'second\n');
    await registry.versions('s');
    expect(server.authorizations).toEqual(['Bearer first', 'Bearer second']);
  });

  it('is systemic when they are refused, and repeats none of them', async () => {
    server.interfere = () => ({ status: 401, body: '{"error_code":401,"message":"hunter2 is wrong"}' });
    const error = await open(env({ USERNAME: 'ff', PASSWORD: 'hunter2' }))
      .lookUp(7)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('refuses the credentials'),
    });
    expect(String(error)).not.toContain('hunter2');
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [{ USERNAME: 'ff' }, /USERNAME and FIRSTFIVE_REGISTRY_PASSWORD\[_FILE\] are given together/],
    [{ PASSWORD: 'x' }, /are given together/],
    [{ USERNAME: 'ff', PASSWORD: 'x', TOKEN: 'y' }, /not both/],
    [{ TOKEN: 'x', TOKEN_FILE: '/y' }, /not both/],
    [{ TOKN: 'x' }, /FIRSTFIVE_REGISTRY_TOKN is not a setting/],
    [{ USERNAME: 'a:b', PASSWORD: 'x' }, /colon/],
  ])('refuses %o', (settings, message) => {
    expect(() => open(env(settings))).toThrow(message);
  });

  it('refuses credentials in the URL, and does not repeat them', () => {
    expect(() => openRestRegistry({ url: 'http://ff:hunter2@127.0.0.1:1' })).toThrow(
      /^(?!.*hunter2).*do not belong into its URL/,
    );
  });

  it('is unavailable, not misconfigured, while a secret file is not there', async () => {
    await expect(open(env({ TOKEN_FILE: '/nonexistent/token' })).lookUp(1)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: 'FIRSTFIVE_REGISTRY_TOKEN_FILE: /nonexistent/token cannot be read (ENOENT)',
    });
  });
});
