/**
 * The admin plane: kafkajs behind one call, connected at the first use. kafkajs is not maintained any more, so nothing but
 * this folder knows of it; a failed connection is dropped and made anew.
 */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { FirstFiveError } from '../../core/errors.ts';
import { type KafkaConnection, kafkajsConnection } from './connection.ts';

const RETRY = { retries: 4, initialRetryTime: 100, maxRetryTime: 2_000 };

export class AdminClient {
  readonly #kafka: Kafka;
  readonly #where: string;
  #connected: Promise<Admin> | undefined;

  constructor(connection: KafkaConnection) {
    this.#where = connection.brokers.join(',');
    this.#kafka = new Kafka({
      ...kafkajsConnection(connection),
      connectionTimeout: 5_000,
      requestTimeout: 15_000,
      retry: RETRY,
      logLevel: logLevel.NOTHING,
    });
  }

  /** `what` names the operation in errors. Throws `LOG_UNAVAILABLE`, or `CONFIG_INVALID` where access is refused. */
  async call<T>(what: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#connect();
      return await work(await this.#connected);
    } catch (thrown) {
      if (thrown instanceof FirstFiveError) throw thrown;
      // A protocol error is the broker's answer; after anything else the connection is not trusted any more.
      if (protocolErrorType(thrown) === undefined) await this.close();
      throw this.#logError(what, thrown);
    }
  }

  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.then((admin) => admin.disconnect()).catch(() => {});
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin();
    await admin.connect();
    return admin;
  }

  #logError(what: string, thrown: unknown): FirstFiveError {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    if (isRefusal(thrown)) {
      return new FirstFiveError(
        'CONFIG_INVALID',
        `${what} was refused by Kafka at ${this.#where}: ${message}`,
        {
          cause: thrown,
        },
      );
    }
    return new FirstFiveError('LOG_UNAVAILABLE', `${what} failed on Kafka at ${this.#where}: ${message}`, {
      cause: thrown,
    });
  }
}

/**
 * The broker's error type (`TOPIC_ALREADY_EXISTS`) anywhere in the chain of causes that kafkajs wraps around it. Told by name:
 * the classes are not visible to ES modules.
 */
export function protocolErrorType(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (thrown.name === 'KafkaJSProtocolError' && 'type' in thrown) return String(thrown.type);
  return protocolErrorType(thrown.cause);
}

function isRefusal(thrown: unknown): boolean {
  const type = protocolErrorType(thrown);
  if (type !== undefined)
    return type.endsWith('_AUTHORIZATION_FAILED') || type === 'SASL_AUTHENTICATION_FAILED';
  return thrown instanceof Error && thrown.name === 'KafkaJSSASLAuthenticationError';
}
