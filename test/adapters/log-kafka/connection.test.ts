import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { kafkajsConnection, rdkafkaConnection } from '../../../src/adapters/log-kafka/connection.ts';
import { kafkaConnection } from '../../../src/adapters/log-kafka/connection-settings.ts';
import type { FirstFiveError } from '../../../src/core/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'firstfive-connection-'));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const connect = (settings: Record<string, string>) =>
  kafkaConnection(
    ['one:9092', 'two:9092'],
    'ff',
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [`FIRSTFIVE_KAFKA_${name}`, value])),
  );
const refused = (settings: Record<string, string>) => {
  try {
    connect(settings);
  } catch (thrown) {
    return thrown as FirstFiveError;
  }
  throw new Error('it was taken');
};

const PASSWORD = 'correct horse battery staple';

describe('the connection to Kafka', () => {
  it('is plain when nothing else is asked for', () => {
    expect(rdkafkaConnection(connect({}))).toEqual({
      'metadata.broker.list': 'one:9092,two:9092',
      'client.id': 'ff',
      'security.protocol': 'plaintext',
    });
    expect(kafkajsConnection(connect({}))).toEqual({ brokers: ['one:9092', 'two:9092'], clientId: 'ff' });
  });

  it('says the same to both clients about TLS with a certificate of our own', () => {
    const [ca, cert, key] = [file('ca.pem', 'CA'), file('cert.pem', 'CERT'), file('key.pem', 'KEY')];
    const connection = connect({ CA_FILE: ca, CERT_FILE: cert, KEY_FILE: key, KEY_PASSPHRASE: 'open' });
    expect(rdkafkaConnection(connection)).toMatchObject({
      'security.protocol': 'ssl',
      'ssl.ca.location': ca,
      'ssl.certificate.location': cert,
      'ssl.key.location': key,
      'ssl.key.password': 'open',
    });
    expect(kafkajsConnection(connection).ssl).toEqual({
      ca: ['CA'],
      cert: 'CERT',
      key: 'KEY',
      passphrase: 'open',
    });
  });

  it.each([
    ['PLAIN', 'plain'],
    ['SCRAM-SHA-256', 'scram-sha-256'],
    ['SCRAM-SHA-512', 'scram-sha-512'],
  ])('says the same to both clients about SASL %s, with the password from a file', (mechanism, name) => {
    const connection = connect({
      SASL: mechanism,
      USERNAME: 'alice',
      PASSWORD_FILE: file('password', `${PASSWORD}\n`),
    });
    expect(rdkafkaConnection(connection)).toMatchObject({
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': mechanism,
      'sasl.username': 'alice',
      'sasl.password': PASSWORD,
    });
    expect(kafkajsConnection(connection).sasl).toEqual({
      mechanism: name,
      username: 'alice',
      password: PASSWORD,
    });
  });

  it('reads the bearer token again each time it is asked for', async () => {
    const token = file('token', 'first');
    const connection = connect({ TLS: '1', SASL: 'OAUTHBEARER', TOKEN_FILE: token });
    expect(rdkafkaConnection(connection)).toMatchObject({
      'security.protocol': 'sasl_ssl',
      'sasl.mechanisms': 'OAUTHBEARER',
    });
    const sasl = kafkajsConnection(connection).sasl as { oauthBearerProvider(): Promise<{ value: string }> };
    const provide = () => sasl.oauthBearerProvider();
    expect(await provide()).toEqual({ value: 'first' });
    file('token', 'second\n');
    expect(await provide()).toEqual({ value: 'second' });
  });

  it('shows no secret, however it is printed', () => {
    const connection = connect({
      SASL: 'PLAIN',
      USERNAME: 'alice',
      PASSWORD,
      CA_FILE: 'x',
      KEY_PASSPHRASE: PASSWORD,
    });
    const shown = [
      inspect(connection, { depth: 9, showHidden: true }),
      JSON.stringify(connection),
      `${connection.sasl}`,
    ];
    if (connection.sasl?.mechanism === 'PLAIN')
      shown.push(String(connection.sasl.password), `${connection.sasl.password}`);
    for (const text of shown) expect(text).not.toContain(PASSWORD);
    expect(shown[0]).toContain('[secret]');
  });

  it.each([
    [{ SASL: 'PLAIN', PASSWORD }, 'USERNAME'],
    [{ SASL: 'SCRAM-SHA-256', USERNAME: 'alice' }, 'PASSWORD_FILE'],
    [{ SASL: 'PLAIN', USERNAME: 'alice', PASSWORD, PASSWORD_FILE: 'x' }, 'exclude'],
    [{ SASL: 'PLAIN', USERNAME: 'alice', PASSWORD_FILE: '/no/such/file' }, 'PASSWORD_FILE cannot be read'],
    [{ SASL: 'GSSAPI', USERNAME: 'alice', PASSWORD }, 'OAUTHBEARER'],
    [{ SASL: 'OAUTHBEARER' }, 'TOKEN_FILE'],
    [{ CERT_FILE: 'x', SASL: 'PLAIN', USERNAME: 'a', PASSWORD }, 'KEY_FILE'],
    [{ TLS: '0', CA_FILE: 'x' }, 'TLS is 0'],
    [{ TLS: 'yes' }, '0 or 1'],
    [{ PASSWROD: PASSWORD }, 'PASSWROD is not a setting'],
  ])('refuses %j without repeating a secret', (settings, hint) => {
    const error = refused(settings as Record<string, string>);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(hint);
    expect(inspect(error, { depth: 9 })).not.toContain(PASSWORD);
  });
});
