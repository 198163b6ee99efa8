/**
 * The connection's security from settings by name, as the environment has them. Secrets come as a value or, with `_FILE`
 * behind the name, as the path of a file that holds them; no message repeats one.
 *
 *   FIRSTFIVE_KAFKA_TLS                       1: encrypted with the system's authorities; implied by any of the files below
 *   FIRSTFIVE_KAFKA_CA_FILE, _CERT_FILE, _KEY_FILE, _KEY_PASSPHRASE[_FILE]
 *   FIRSTFIVE_KAFKA_SASL                      PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER
 *   FIRSTFIVE_KAFKA_USERNAME, FIRSTFIVE_KAFKA_PASSWORD[_FILE]
 *   FIRSTFIVE_KAFKA_TOKEN_FILE                OAUTHBEARER: read again for every token, as whoever renews it writes it
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FirstFiveError } from '../../core/errors.ts';
import type { KafkaConnection, KafkaSasl, KafkaTls } from './connection.ts';
import { Secret } from './secret.ts';

type Settings = Readonly<Record<string, string | undefined>>;

const PREFIX = 'FIRSTFIVE_KAFKA_';
const KNOWN = [
  ...['TLS', 'CA_FILE', 'CERT_FILE', 'KEY_FILE', 'KEY_PASSPHRASE', 'KEY_PASSPHRASE_FILE'],
  ...['SASL', 'USERNAME', 'PASSWORD', 'PASSWORD_FILE', 'TOKEN_FILE'],
];

/** `CONFIG_INVALID` names the setting that is wrong or missing. */
export function kafkaConnection(
  brokers: readonly string[],
  clientId: string,
  settings: Settings,
): KafkaConnection {
  const unknown = Object.keys(settings).find(
    (name) => name.startsWith(PREFIX) && !KNOWN.includes(name.slice(PREFIX.length)),
  );
  if (unknown !== undefined) throw invalid(`${unknown} is not a setting of Kafka`);
  const tls = tlsOf(settings);
  const sasl = saslOf(settings);
  return {
    brokers,
    clientId,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function tlsOf(settings: Settings): KafkaTls | undefined {
  const wanted = value(settings, 'TLS');
  if (wanted !== undefined && wanted !== '1' && wanted !== '0') throw invalid(`${PREFIX}TLS is 0 or 1`);
  const tls: KafkaTls = defined({
    caFile: value(settings, 'CA_FILE'),
    certFile: value(settings, 'CERT_FILE'),
    keyFile: value(settings, 'KEY_FILE'),
    keyPassphrase: secret(settings, 'KEY_PASSPHRASE'),
  });
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    throw invalid(`${PREFIX}CERT_FILE and ${PREFIX}KEY_FILE are given together`);
  }
  const isImplied = Object.keys(tls).length > 0;
  if (wanted === '0' && isImplied) throw invalid(`${PREFIX}TLS is 0, and yet a file for it is given`);
  return wanted === '1' || isImplied ? tls : undefined;
}

/** Without the properties that are `undefined`. */
function defined<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined)) as T;
}

function saslOf(settings: Settings): KafkaSasl | undefined {
  const mechanism = value(settings, 'SASL');
  switch (mechanism) {
    case undefined:
      return undefined;
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512': {
      const username = value(settings, 'USERNAME');
      const password = secret(settings, 'PASSWORD');
      if (username === undefined) throw invalid(`${mechanism} needs ${PREFIX}USERNAME`);
      if (password === undefined)
        throw invalid(`${mechanism} needs ${PREFIX}PASSWORD_FILE or ${PREFIX}PASSWORD`);
      return { mechanism, username, password };
    }
    case 'OAUTHBEARER': {
      const file = value(settings, 'TOKEN_FILE');
      if (file === undefined) throw invalid(`OAUTHBEARER needs ${PREFIX}TOKEN_FILE`);
      return { mechanism, token: () => tokenIn(file) };
    }
    default:
      throw invalid(`${PREFIX}SASL is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER`);
  }
}

async function tokenIn(file: string): Promise<Secret> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new FirstFiveError('CONFIG_INVALID', `${PREFIX}TOKEN_FILE cannot be read`, { cause });
  });
  return new Secret(text.trim());
}

function secret(settings: Settings, name: string): Secret | undefined {
  const text = value(settings, name);
  const file = value(settings, `${name}_FILE`);
  if (text !== undefined && file !== undefined)
    throw invalid(`${PREFIX}${name} and ${PREFIX}${name}_FILE exclude each other`);
  if (file === undefined) return text === undefined ? undefined : new Secret(text);
  try {
    return new Secret(readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
  } catch (cause) {
    throw new FirstFiveError('CONFIG_INVALID', `${PREFIX}${name}_FILE cannot be read`, { cause });
  }
}

/** An empty variable is unset. */
function value(settings: Settings, name: string): string | undefined {
  const text = settings[`${PREFIX}${name}`];
  return text === '' ? undefined : text;
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', message);
}
