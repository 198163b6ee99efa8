/**
 * Connects and disconnects clients of node-rdkafka without meeting its known crashes.
 *
 * D1. A client is disconnected once, never while it connects, and not at all when connecting failed: the binding has
 *     disconnected it by then, and a second time frees it twice.
 * D2. A disconnect that hangs (it may, after some rebalances) is left behind after a while; the process ends anyway.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { called, settledWithin } from './calls.ts';
import type { ClientBase } from './client.ts';
import { toLogError } from './client-errors.ts';
import type { KafkaConnection } from './connection.ts';

const CONNECT_MS = 15_000;
const DISCONNECT_MS = 10_000;
const TOKEN_REFRESH_MS = 60_000;

export interface ConnectedClient<C extends ClientBase> {
  readonly client: C;
  /** Idempotent; resolves also when the client did not answer (D2). */
  disconnect(): Promise<void>;
}

/** `LOG_UNAVAILABLE` when no broker answers, `CONFIG_INVALID` when they refuse the credentials. */
export async function connectClient<C extends ClientBase>(
  client: C,
  connection: KafkaConnection,
): Promise<ConnectedClient<C>> {
  const where = connection.brokers.join(',');
  // Without a listener, the binding's emitter would throw at the first broker that is down.
  client.on('event.error', () => {});
  const stopTokens = await keepToken(client, connection);
  try {
    await called('connect', CONNECT_MS * 2, (done) => client.connect({ timeout: CONNECT_MS }, done));
  } catch (thrown) {
    stopTokens();
    throw toLogError(thrown, `connecting to Kafka at ${where}`);
  }
  let ended: Promise<void> | undefined;
  const disconnect = async () => {
    stopTokens();
    if (client.isConnected()) {
      await settledWithin(
        called('disconnect', DISCONNECT_MS, (done) => client.disconnect(done)),
        DISCONNECT_MS,
      );
    }
  };
  return {
    client,
    disconnect: () => {
      ended ??= disconnect();
      return ended;
    },
  };
}

/** OAUTHBEARER: the binding takes a token at any time and has no call to ask for one, so it is renewed by the clock. */
async function keepToken(client: ClientBase, connection: KafkaConnection): Promise<() => void> {
  const { sasl } = connection;
  if (sasl?.mechanism !== 'OAUTHBEARER') return () => {};
  const stopped = new AbortController();
  client.setOauthBearerToken((await sasl.token()).reveal());
  const renew = async () => {
    for (;;) {
      await delay(TOKEN_REFRESH_MS, undefined, { signal: stopped.signal, ref: false });
      // A provider that fails now and then is asked again in a minute; the last token goes on working until it expires.
      const token = await sasl.token().catch(() => undefined);
      if (token !== undefined && client.isConnected()) client.setOauthBearerToken(token.reveal());
    }
  };
  renew().catch(() => {});
  return () => stopped.abort();
}
