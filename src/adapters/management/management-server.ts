/**
 * The management port: `/health`, `/ready` and `/metrics` for supervisors and scrapers.
 *
 * M1. Reads only, and nothing secret: no configuration, no record contents.
 * M2. Every answer is made on request. A health check that fails to answer says as much as one that answers 503.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FirstFiveError } from '../../core/errors.ts';
import type { HealthReport } from '../../runtime/health.ts';

export interface ManagementOptions {
  readonly host: string;
  /** 0 takes any free port; `address` says which. */
  readonly port: number;
  readonly health: () => Promise<HealthReport> | HealthReport;
  /** Ready once every stage has started and nothing is draining: `reasons` says what is missing. */
  readonly ready: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Prometheus text format. */
  readonly metrics: () => Promise<string>;
}

export interface ManagementServer {
  /** `host:port` that it listens on. */
  readonly address: string;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** `CONFIG_INVALID` when the address cannot be listened on. */
export async function startManagement(options: ManagementOptions): Promise<ManagementServer> {
  const server = createServer((request, response) => void respond(options, request, response));
  // Loopback by default, but a port is a port: slow or endless requests must not pile up.
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 64;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: options.host, port: options.port }, resolve);
  try {
    await promise;
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `--management ${options.host}:${options.port} cannot be listened on (${reason}); choose another port, or 0 for any`,
      { cause: error },
    );
  }
  server.on('error', () => {});
  const { address, family, port } = server.address() as AddressInfo;
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  options: ManagementOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body } = await answer(options, request);
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answer(options: ManagementOptions, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'GET only' });
  const path = (request.url ?? '/').split('?', 1)[0];
  try {
    if (path === '/health') {
      const report = await options.health();
      return json(report.status === 'healthy' ? 200 : 503, report);
    }
    if (path === '/ready') {
      const state = options.ready();
      return json(state.ready ? 200 : 503, state);
    }
    if (path === '/metrics') return { status: 200, type: METRICS_TYPE, body: await options.metrics() };
    return json(404, { error: 'not found', paths: ['/health', '/ready', '/metrics'] });
  } catch (error) {
    return json(500, { error: error instanceof FirstFiveError ? error.code : 'INTERNAL' });
  }
}

function json(status: number, body: object): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}
