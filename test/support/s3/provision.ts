/**
 * Installs S3 servers into `.tools/s3`, once: s3proxy with Maven, versitygw with Go.
 *
 * Each is put in place by a rename, so that two test processes at once, or one that is killed, leave no half a server.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const TOOLS = fileURLToPath(new URL('../../../.tools/s3/', import.meta.url));
const MAVEN_COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
const S3PROXY_VERSION = '4.1.0';
const VERSITYGW_VERSION = 'v1.8.0';

/** Path of the jar. Needs `mvn` (and `java` 17 or later to run it). About 55 MB. */
export function provisionS3proxy(): Promise<string> {
  const jar = `s3proxy-${S3PROXY_VERSION}-jar-with-dependencies.jar`;
  const artifact = `org.gaul:s3proxy:${S3PROXY_VERSION}:jar:jar-with-dependencies`;
  return provision(jar, jar, async (folder) => {
    await run('mvn', ['-q', '-B', MAVEN_COPY, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  });
}

/** Path of the program. Needs `go`; compiles for minutes the first time. */
export function provisionVersitygw(): Promise<string> {
  return provision('versitygw', `versitygw-${VERSITYGW_VERSION}`, async (folder) => {
    const source = `github.com/versity/versitygw/cmd/versitygw@${VERSITYGW_VERSION}`;
    await run('go', ['install', source], { GOBIN: folder });
  });
}

async function provision(
  made: string,
  kept: string,
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const path = join(TOOLS, kept);
  if (existsSync(path)) return path;
  await mkdir(TOOLS, { recursive: true });
  const folder = await mkdtemp(join(TOOLS, 'new-'));
  try {
    await install(folder);
    await rename(join(folder, made), path);
    return path;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  try {
    await promisify(execFile)(command, args, {
      env: { ...process.env, ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (cause) {
    throw new Error(`this test needs an S3 server, and ${command} could not install it`, { cause });
  }
}
