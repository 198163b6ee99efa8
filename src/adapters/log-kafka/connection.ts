/**
 * How to reach a cluster, mapped once for both clients: librdkafka (data plane) and kafkajs (admin plane).
 *
 * N1. Credentials are `Secret`s until the moment a client is configured.
 * N2. A token provider is asked again for each token: neither client keeps one for ever.
 */
import { readFileSync } from 'node:fs';
import type { KafkaConfig, SASLOptions } from 'kafkajs';
import { FirstFiveError } from '../../core/errors.ts';
import type { Secret } from './secret.ts';

export interface KafkaTls {
  /** PEM file of the authorities to trust; the system's where absent. */
  readonly caFile?: string;
  /** PEM files of this client's own certificate and key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly keyPassphrase?: Secret;
}

export type KafkaSasl =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
      readonly username: string;
      readonly password: Secret;
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: () => Promise<Secret> };

export interface KafkaConnection {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

/** librdkafka's properties. OAUTHBEARER tokens are handed to each client by `bearerTokens`. */
export function rdkafkaConnection(connection: KafkaConnection): Readonly<Record<string, unknown>> {
  const { brokers, clientId, tls, sasl } = connection;
  const protocol = `${sasl === undefined ? '' : 'sasl_'}${tls === undefined ? 'plaintext' : 'ssl'}`;
  return {
    'metadata.broker.list': brokers.join(','),
    'client.id': clientId,
    'security.protocol': protocol === 'plaintext' ? 'plaintext' : protocol,
    ...(tls === undefined ? {} : rdkafkaTls(tls)),
    ...(sasl === undefined ? {} : rdkafkaSasl(sasl)),
  };
}

export function kafkajsConnection(
  connection: KafkaConnection,
): Pick<KafkaConfig, 'brokers' | 'clientId' | 'ssl' | 'sasl'> {
  const { brokers, clientId, tls, sasl } = connection;
  return {
    brokers: [...brokers],
    clientId,
    ...(tls === undefined ? {} : { ssl: kafkajsTls(tls) }),
    ...(sasl === undefined ? {} : { sasl: kafkajsSasl(sasl) }),
  };
}

function rdkafkaTls(tls: KafkaTls): Record<string, unknown> {
  return {
    ...(tls.caFile === undefined ? {} : { 'ssl.ca.location': tls.caFile }),
    ...(tls.certFile === undefined ? {} : { 'ssl.certificate.location': tls.certFile }),
    ...(tls.keyFile === undefined ? {} : { 'ssl.key.location': tls.keyFile }),
    ...(tls.keyPassphrase === undefined ? {} : { 'ssl.key.password': tls.keyPassphrase.reveal() }),
  };
}

function rdkafkaSasl(sasl: KafkaSasl): Record<string, unknown> {
  if (sasl.mechanism === 'OAUTHBEARER') return { 'sasl.mechanisms': 'OAUTHBEARER' };
  return {
    'sasl.mechanisms': sasl.mechanism,
    'sasl.username': sasl.username,
    'sasl.password': sasl.password.reveal(),
  };
}

function kafkajsTls(tls: KafkaTls) {
  return {
    ...(tls.caFile === undefined ? {} : { ca: [readPem(tls.caFile)] }),
    ...(tls.certFile === undefined ? {} : { cert: readPem(tls.certFile) }),
    ...(tls.keyFile === undefined ? {} : { key: readPem(tls.keyFile) }),
    ...(tls.keyPassphrase === undefined ? {} : { passphrase: tls.keyPassphrase.reveal() }),
  };
}

function kafkajsSasl(sasl: KafkaSasl): SASLOptions {
  switch (sasl.mechanism) {
    case 'OAUTHBEARER':
      return {
        mechanism: 'oauthbearer',
        oauthBearerProvider: async () => ({ value: (await sasl.token()).reveal() }),
      };
    case 'PLAIN':
      return { mechanism: 'plain', username: sasl.username, password: sasl.password.reveal() };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username: sasl.username, password: sasl.password.reveal() };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username: sasl.username, password: sasl.password.reveal() };
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new FirstFiveError('CONFIG_INVALID', `the PEM file ${file} cannot be read`, { cause });
  }
}
