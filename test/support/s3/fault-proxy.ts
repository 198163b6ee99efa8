/**
 * An HTTP proxy in front of an S3 server that spoils answers as a test plans it.
 *
 * Requests pass unchanged (the signature covers the Host header, which therefore names the proxy).
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export type Fault =
  /** Answers in place of the server. */
  | { readonly kind: 'status'; readonly status: number; readonly code: string; readonly retryAfter?: number }
  /** Breaks the connection (RST) after so many body bytes; 0: instead of an answer. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Ends the connection (FIN) after fewer body bytes than the head announced. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Never goes on after so many body bytes; -1: never answers. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Goes on, but only at this rate. */
  | { readonly kind: 'drip'; readonly bytesPerSecond: number }
  /** The server does what was asked; its answer is lost. */
  | { readonly kind: 'lose-answer' };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  /** The how-manieth request this is, from 1. */
  readonly count: number;
}

export type Plan = (seen: SeenRequest) => Fault | undefined | Promise<Fault | undefined>;

export interface FaultProxy {
  readonly endpoint: string;
  readonly seen: readonly SeenRequest[];
  /** Decides from now on; the count and the list start anew. */
  plan(plan: Plan): void;
  stop(): Promise<void>;
}

export async function startFaultProxy(upstreamPort: number): Promise<FaultProxy> {
  let plan: Plan = () => undefined;
  let seen: SeenRequest[] = [];
  const server = createServer(async (req, res) => {
    const entry = { ...describeRequest(req), count: seen.length + 1 };
    seen.push(entry);
    const fault = await plan(entry);
    if (fault?.kind === 'status') return refuse(req, res, fault);
    if (fault?.kind === 'stall' && fault.afterBytes < 0) return void req.resume();
    forward(upstreamPort, req, res, fault);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    get seen() {
      return seen;
    },
    plan: (next) => {
      plan = next;
      seen = [];
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function describeRequest(req: IncomingMessage): Omit<SeenRequest, 'count'> {
  const path = new URL(req.url ?? '/', 'http://proxy').pathname;
  return { method: req.method ?? '', path, range: req.headers.range };
}

function refuse(req: IncomingMessage, res: ServerResponse, fault: Fault & { kind: 'status' }): void {
  req.resume();
  const retryAfter = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  res.writeHead(fault.status, { 'content-type': 'application/xml', ...retryAfter });
  res.end(
    req.method === 'HEAD' ? undefined : `<Error><Code>${fault.code}</Code><Message>planned</Message></Error>`,
  );
}

function forward(port: number, req: IncomingMessage, res: ServerResponse, fault: Fault | undefined): void {
  const onward = request(
    { host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.rawHeaders },
    (answer) => {
      if (fault?.kind === 'lose-answer') {
        answer.resume().on('end', () => req.socket.resetAndDestroy());
        return;
      }
      if (fault?.kind === 'reset' && fault.afterBytes === 0) return void req.socket.resetAndDestroy();
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      void passOn(answer, res, fault).catch(() => res.destroy());
    },
  );
  onward.on('error', () => res.destroy());
  res.on('close', () => onward.destroy());
  req.pipe(onward);
}

async function passOn(answer: IncomingMessage, res: ServerResponse, fault: Fault | undefined): Promise<void> {
  let passed = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (fault?.kind === 'drip') {
      await drip(chunk, res, fault.bytesPerSecond);
      continue;
    }
    const limit = fault !== undefined && 'afterBytes' in fault ? fault.afterBytes - passed : chunk.length;
    passed += Math.min(limit, chunk.length);
    await write(res, chunk.subarray(0, limit));
    if (chunk.length >= limit && fault !== undefined) return breakOff(res, fault);
  }
  res.end();
}

function breakOff(res: ServerResponse, fault: Fault): void {
  if (fault.kind === 'reset') res.socket?.resetAndDestroy();
  else if (fault.kind === 'cut') res.socket?.end();
  // A stall leaves everything as it is, until the client has had enough.
}

async function drip(chunk: Buffer, res: ServerResponse, bytesPerSecond: number): Promise<void> {
  const step = Math.max(1, Math.ceil(bytesPerSecond / 10));
  for (let at = 0; at < chunk.length && !res.destroyed; at += step) {
    await write(res, chunk.subarray(at, at + step));
    await delay(100);
  }
}

async function write(res: ServerResponse, bytes: Buffer): Promise<void> {
  if (res.destroyed || bytes.length === 0) return;
  await new Promise<void>((resolve) => {
    res.once('close', resolve);
    res.write(bytes, () => {
      res.off('close', resolve);
      resolve();
    });
  });
}
