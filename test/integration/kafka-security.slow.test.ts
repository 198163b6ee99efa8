/** TLS and SASL against a real broker: both clients get in with the right credentials, and say so when they are wrong. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaConnection } from '../../src/adapters/log-kafka/connection-settings.ts';
import { openKafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts';
import { kafkaClientDir } from '../../src/cli/kafka/set-up.ts';
import { output, readAll } from '../contract/log-harness.ts';
import { BROKER_HOOK_MS, packageRoot, startTestBroker, type TestBroker } from '../support/kafka/broker.ts';
import { whyNoKafka } from '../support/kafka/prerequisites.ts';

const PASSWORD = 'open-sesame-1';
const folder = mkdtempSync(join(tmpdir(), 'firstfive-tls-'));
const path = (name: string) => join(folder, name);

const without = await whyNoKafka();
let broker: TestBroker;
beforeAll(async () => {
  if (without !== undefined) return;
  makeCertificates();
  broker = await startTestBroker({
    scramUsers: { alice: PASSWORD },
    secure: { protocol: 'SASL_SSL', properties: listenerProperties() },
  });
}, BROKER_HOOK_MS);
afterAll(async () => {
  await broker?.stop();
  rmSync(folder, { recursive: true });
});

const open = (settings: Record<string, string>) =>
  openKafkaLog({
    connection: kafkaConnection(
      broker.cluster.secureBrokers.split(','),
      'secure',
      Object.fromEntries(Object.entries(settings).map(([name, value]) => [`FIRSTFIVE_KAFKA_${name}`, value])),
    ),
    clientDir: kafkaClientDir(packageRoot),
  });

const bearer = () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + 600 })}.`;
};

describe.skipIf(without !== undefined)('a Kafka cluster with TLS and SASL', () => {
  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])(
    'lets both clients in with %s',
    async (mechanism) => {
      writeFileSync(path('password'), `${PASSWORD}\n`);
      writeFileSync(path('token'), bearer());
      const log = await open({
        CA_FILE: path('ca.pem'),
        SASL: mechanism,
        ...(mechanism === 'OAUTHBEARER'
          ? { TOKEN_FILE: path('token') }
          : { USERNAME: 'alice', PASSWORD_FILE: path('password') }),
      });
      const topic = `secure.${mechanism.toLowerCase()}.v1`;
      await log.admin.ensureTopics([{ name: topic, partitions: 1, cleanup: 'delete', retentionMs: null }]);
      await log.append([output(topic, 'a', mechanism)]);
      expect(await readAll(log, topic)).toHaveLength(1);
      const listener = { onAssigned: async () => {}, onRevoked: async () => {} };
      const member = await log.join({ groupId: topic, topics: [topic], slot: '0', listener });
      expect(await member.poll({ maxRecords: 1, maxBytes: 1_000, maxWaitMs: 10_000 })).toHaveLength(1);
      await log.close();
    },
  );

  it('refuses a wrong password as a matter of configuration, and does not show it', async () => {
    const wrong = {
      CA_FILE: path('ca.pem'),
      SASL: 'SCRAM-SHA-256',
      USERNAME: 'alice',
      PASSWORD: 'open-barley',
    };
    const error = await open(wrong).then(
      () => undefined,
      (thrown: unknown) => thrown as Error & { code: string },
    );
    expect(error?.code).toBe('CONFIG_INVALID');
    expect(`${error?.stack}${JSON.stringify(error?.cause)}`).not.toContain('open-barley');
  });

  it('does not trust a broker whose certificate is signed by somebody else', async () => {
    await expect(open({ TLS: '1', SASL: 'PLAIN', USERNAME: 'alice', PASSWORD })).rejects.toMatchObject({
      code: 'LOG_UNAVAILABLE',
    });
  });
});

function makeCertificates(): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const subject = ['-subj', '/CN=firstfive-test'];
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    ...subject,
  );
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'broker.key',
    '-out',
    'broker.csr',
    '-subj',
    '/CN=127.0.0.1',
  );
  writeFileSync(path('san'), 'subjectAltName=IP:127.0.0.1\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san'];
  openssl('x509', '-req', '-in', 'broker.csr', '-out', 'broker.crt', ...signed);
  const chain = ['broker.key', 'broker.crt', 'ca.pem'].map((name) => readFileSync(path(name), 'utf8'));
  writeFileSync(path('broker.pem'), chain.join(''));
}

function listenerProperties(): Record<string, string> {
  const at = 'listener.name.secure.';
  const modules = 'org.apache.kafka.common.security';
  const scram = `${modules}.scram.ScramLoginModule required;`;
  return {
    [`${at}ssl.keystore.type`]: 'PEM',
    [`${at}ssl.keystore.location`]: path('broker.pem'),
    [`${at}sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${at}plain.sasl.jaas.config`]: `${modules}.plain.PlainLoginModule required user_alice="${PASSWORD}";`,
    [`${at}scram-sha-256.sasl.jaas.config`]: scram,
    [`${at}scram-sha-512.sasl.jaas.config`]: scram,
    // Tokens without a signature: Kafka's own validator for development.
    [`${at}oauthbearer.sasl.jaas.config`]: `${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  };
}
