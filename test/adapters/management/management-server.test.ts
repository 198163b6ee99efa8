import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ManagementOptions,
  type ManagementServer,
  startManagement,
} from '../../../src/adapters/management/management-server.ts';
import type { HealthReport } from '../../../src/runtime/health.ts';

let server: ManagementServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const healthy: HealthReport = { status: 'healthy', reasons: [], stages: [] };

async function start(
  changes: Partial<ManagementOptions> = {},
): Promise<(path: string, method?: string) => Promise<Response>> {
  server = await startManagement({
    host: '127.0.0.1',
    port: 0,
    health: () => healthy,
    ready: () => ({ ready: true, reasons: [] }),
    metrics: async () => 'firstfive_records_total 1\n',
    ...changes,
  });
  const { address } = server;
  return (path, method = 'GET') => fetch(`http://${address}${path}`, { method });
}

describe('the management server', () => {
  it('takes a free port and says which', async () => {
    await start();
    expect(server?.address).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
  });

  it('answers 200 while healthy and 503 with the reasons when not', async () => {
    let report = healthy;
    const get = await start({ health: async () => report });
    expect((await get('/health')).status).toBe(200);
    report = {
      status: 'unhealthy',
      reasons: ['score: no commit for 61 s, stuck on offset 17 in embed'],
      stages: [],
    };
    const response = await get('/health');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual(report);
  });

  it('answers for readiness apart from health', async () => {
    const get = await start({ ready: () => ({ ready: false, reasons: ['stopping'] }) });
    expect((await get('/health')).status).toBe(200);
    expect((await get('/ready')).status).toBe(503);
  });

  it('gives metrics in the format that scrapers ask for', async () => {
    const response = await (await start())('/metrics?x=1');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('firstfive_records_total 1\n');
  });

  it('reads only, and knows no other path', async () => {
    const get = await start();
    expect((await get('/health', 'POST')).status).toBe(405);
    expect((await get('/metrics', 'DELETE')).status).toBe(405);
    expect((await get('/')).status).toBe(404);
    expect((await get('/health/../etc/passwd')).status).toBe(404);
    expect((await get('/health', 'HEAD')).status).toBe(200);
  });

  it('answers 500 with a code, and goes on, when a report cannot be made', async () => {
    const get = await start({
      metrics: async () => {
        throw new Error('secret: /home/someone');
      },
    });
    const response = await get('/metrics');
    expect([response.status, await response.text()]).toEqual([500, '{"error":"INTERNAL"}\n']);
    expect((await get('/health')).status).toBe(200);
  });

  it('names the address that cannot be listened on', async () => {
    await start();
    const port = Number(server?.address.split(':')[1]);
    const second = startManagement({
      ...{ host: '127.0.0.1', port },
      health: () => healthy,
      ready: () => ({ ready: true, reasons: [] }),
      metrics: async () => '',
    });
    await expect(second).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('closes although a client keeps its connection', async () => {
    await start();
    const [host, port] = (server?.address ?? '').split(':');
    const socket = connect(Number(port), host);
    socket.on('error', () => {});
    await new Promise((connected) => socket.once('connect', connected));
    const closed = new Promise((ended) => socket.once('close', ended));
    await server?.close();
    await closed;
  });
});
