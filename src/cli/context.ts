/**
 * What a command may touch of the process, as values: commands run in tests as they run from a shell.
 *
 * C1. Only `main.ts` reads `process`; everything below gets this.
 */
import type { CliStream } from './output/streams.ts';

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Folder that holds package.json: where topologies, schemas, models and benchmarks lie. */
  readonly packageRoot: string;
  readonly cores: number;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Aborts at the first SIGINT or SIGTERM (a second one ends the process at once), or with the reason `EPIPE` when
   * stdout's reader has left. Until a command asks for it, signals keep their default effect.
   */
  stopSignal(): AbortSignal;
  /** The command's exit status where it is not 0 and nothing was thrown (a failed check, say). */
  setExitCode(code: ExitCode): void;
}

/** Done, failed, wrong command line, unusable configuration (sysexits.h EX_CONFIG). */
export type ExitCode = 0 | 1 | 2 | 78;
