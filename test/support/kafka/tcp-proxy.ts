/** A TCP proxy that stands between clients and a broker, and can be cut or made slow. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket, connect as toTarget } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const HOST = '127.0.0.1';

export class TcpProxy {
  readonly port: number;
  /** Connections go here; set it before the first one. */
  targetPort = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #latencyMs = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#relay(client));
  }

  static async listen(): Promise<TcpProxy> {
    const server = createServer().listen(0, HOST);
    await once(server, 'listening');
    return new TcpProxy(server);
  }

  /** Ends all connections; new ones are ended at once until `heal`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Each piece of data (64 KiB at most) waits this long, one after the other in its direction. */
  slow(latencyMs: number): void {
    this.#latencyMs = latencyMs;
  }

  heal(): void {
    this.#isCut = false;
    this.#latencyMs = 0;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    if (this.#isCut) {
      client.on('error', () => {});
      client.destroy();
      return;
    }
    const broker = toTarget(this.targetPort, HOST);
    this.#forward(client, broker);
    this.#forward(broker, client);
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    let last: Promise<unknown> = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      const latencyMs = this.#latencyMs;
      from.pause();
      last = last
        .then(() => (latencyMs > 0 ? delay(latencyMs) : undefined))
        .then(() => {
          if (!to.destroyed) to.write(chunk);
          from.resume();
        });
    });
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      void last.then(() => to.destroy());
    });
  }
}
