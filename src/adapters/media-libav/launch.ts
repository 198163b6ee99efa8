/** How a decode child is started: this Node on the child's entry point, behind the sandbox's wall and under its limits. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Launch, Sandbox } from '../../stages/extract/sandbox.ts';
import { FAULTS_ARGUMENT } from './protocol.ts';
import { siblingModule } from './sibling.ts';

export interface LaunchOptions {
  readonly sandbox: Sandbox;
  /** Folders whose files a child opens itself; any other file reaches it through its parent. */
  readonly readable: readonly string[];
  readonly obeyFaults: boolean;
}

/**
 * Second lines of defence (setrlimit(2)). Address space: four times the greatest resident set, and the 2 GiB that
 * Node reserves. CPU: a child is replaced long before (`recycleAfterBusyMs`).
 */
const LIMITS = { addressSpaceBytes: 12 * 1024 ** 3, cpuSeconds: 4 * 3600, openFiles: 128 };

export function childLaunch({ sandbox, readable, obeyFaults }: LaunchOptions): Launch {
  const entry = fileURLToPath(siblingModule('child', import.meta.url));
  return sandbox.launch({
    ...{ command: process.execPath, args: [entry, ...(obeyFaults ? [FAULTS_ARGUMENT] : [])] },
    ...{ program: programPaths(entry), readable, limits: LIMITS },
  });
}

/** Our code (`src` or `dist`), its package.json, and every node_modules in which Node looks for its packages. */
function programPaths(entry: string): string[] {
  const above = [];
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) above.push(folder);
  const root = above.find((folder) => existsSync(join(folder, 'package.json'))) ?? dirname(entry);
  const [code = ''] = relative(root, entry).split(sep);
  return [
    join(root, code),
    join(root, 'package.json'),
    ...above.map((folder) => join(folder, 'node_modules')),
  ];
}
