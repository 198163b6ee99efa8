/** Port: the wall that decoder processes run behind. Adapter: `process-sandbox`. */

export type SandboxKind = 'bwrap' | 'unshare' | 'none';

/** What runs behind the wall. Paths are absolute; those that do not exist are left out. */
export interface Confined {
  readonly command: string;
  readonly args: readonly string[];
  /** Files and folders that the program itself needs: code, libraries beyond the system's. */
  readonly program: readonly string[];
  /** Folders and files that it may read besides. */
  readonly readable: readonly string[];
  readonly limits?: ProcessLimits;
}

/** Limits of one process (setrlimit(2)). */
export interface ProcessLimits {
  /** Address space. Node reserves about 2 GiB of it for nothing, so that this can only be generous. */
  readonly addressSpaceBytes: number;
  /** CPU time of the whole process, user and system; at the end of it the kernel kills. */
  readonly cpuSeconds: number;
  readonly openFiles: number;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Sandbox {
  /** `none`: processes run without a wall. */
  readonly kind: SandboxKind;
  /** The version of what makes the wall, or why there is none. */
  readonly detail: string;
  /** How to start the program; the environment stays the caller's. A program that dies by signal n may end with 128 + n. */
  launch(confined: Confined): Launch;
}

/** Starts programs as they are, without wall and limits. */
export const NO_SANDBOX: Sandbox = {
  kind: 'none',
  detail: 'not asked for',
  launch: ({ command, args }) => ({ command, args }),
};
