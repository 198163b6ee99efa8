/**
 * Puts a decoder process behind a wall of the operating system: no network, no other processes, a file system that is
 * read-only and holds what the process needs to run and the folders named, nothing else.
 *
 * N1. The wall is made by bubblewrap where it works, else by unshare and mount of util-linux; no native code of ours.
 * N2. Which of them works is found by trying, once per process: kernels and containers forbid user namespaces in many ways.
 * N3. Where none works, processes run without the wall, and `detail` says why; limits (limits.ts) hold all the same.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Sandbox, SandboxKind } from '../../stages/extract/sandbox.ts';
import { bwrapCommand } from './bwrap.ts';
import { withLimits } from './limits.ts';
import { type MountPlan, mountPlan } from './mounts.ts';
import { findTool } from './tools.ts';
import { UNSHARE_TOOLS, unshareCommand } from './unshare.ts';

export type SandboxChoice = 'auto' | 'off';
type Wall = (command: readonly string[], plan: MountPlan) => readonly string[];

/** `off` opens nothing; `auto` takes the first wall that works. Never fails. */
export async function openSandbox(choice: SandboxChoice = 'auto'): Promise<Sandbox> {
  if (choice === 'off') return sandboxOf('none', 'turned off', undefined);
  if (process.platform !== 'linux')
    return sandboxOf('none', `there is none for ${process.platform}`, undefined);
  probed ??= probe();
  return probed;
}

let probed: Promise<Sandbox> | undefined;

async function probe(): Promise<Sandbox> {
  const reasons: string[] = [];
  const bwrap = findTool('bwrap');
  if (bwrap === undefined) reasons.push('bwrap is not installed');
  else {
    const wall: Wall = (command, plan) => bwrapCommand(bwrap, command, plan);
    const reason = await failureOf(wall);
    if (reason === undefined) return sandboxOf('bwrap', await versionOf(bwrap), wall);
    reasons.push(`bwrap does not work here (${reason})`);
  }
  const missing = UNSHARE_TOOLS.filter((name) => findTool(name) === undefined);
  if (missing.length > 0) reasons.push(`${missing.join(', ')} of util-linux not installed`);
  else {
    const reason = await failureOf(unshareCommand);
    if (reason === undefined) {
      return sandboxOf('unshare', await versionOf(findTool('unshare') ?? 'unshare'), unshareCommand);
    }
    reasons.push(`unshare does not work here (${reason})`);
  }
  return sandboxOf('none', reasons.join('; '), undefined);
}

function sandboxOf(kind: SandboxKind, detail: string, wall: Wall | undefined): Sandbox {
  return {
    kind,
    detail,
    launch({ command, args, program, readable, limits }) {
      const plain = [command, ...args];
      const walled = wall === undefined ? plain : wall(plain, mountPlan([command, ...program], readable));
      const [first = command, ...rest] = limits === undefined ? walled : withLimits(walled, limits);
      return { command: first, args: rest };
    },
  };
}

const PROBE_TIMEOUT_MS = 15_000;

/** Starts this Node behind the wall; `undefined` when it answered. */
async function failureOf(wall: Wall): Promise<string | undefined> {
  const command = [process.execPath, '--version'];
  const [first = '', ...rest] = wall(command, mountPlan([process.execPath], []));
  try {
    const { stdout } = await promisify(execFile)(first, rest, { env: {}, timeout: PROBE_TIMEOUT_MS });
    return stdout.trim() === process.version ? undefined : 'a program behind it gives no answer';
  } catch (thrown) {
    const { stderr } = thrown as { readonly stderr?: string };
    return stderr?.trim().split('\n').at(-1) || (thrown instanceof Error ? thrown.message : String(thrown));
  }
}

async function versionOf(tool: string): Promise<string> {
  const { stdout } = await promisify(execFile)(tool, ['--version'], { env: {}, timeout: PROBE_TIMEOUT_MS });
  return stdout.trim().replace(/^unshare from /, '');
}
