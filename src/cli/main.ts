/** Entry of the command line: the one place that touches the process. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { CliContext } from './context.ts';
import type { CliStream } from './output/streams.ts';
import { runCli } from './program.ts';

const context: CliContext = {
  env: process.env,
  cwd: process.cwd(),
  // dist/cli/main.js and src/cli/main.ts both lie two folders below the package's root.
  packageRoot: fileURLToPath(new URL('../../', import.meta.url)),
  cores: availableParallelism(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  stopSignal: once(watchSignals),
  setExitCode: () => {},
};

// A reader that has left (`| head`) is no failure: there is nobody to tell. The command stops and cleans up as for a signal.
const readerLeft = new AbortController();
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(1);
  readerLeft.abort('EPIPE');
});
// Lost log lines end nothing.
process.stderr.on('error', () => {});

const code = await runCli(process.argv.slice(2), context);
if (!readerLeft.signal.aborted) await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(readerLeft.signal.aborted ? 0 : code);

function watchSignals(): AbortSignal {
  const controller = new AbortController();
  const leave = () => controller.abort('EPIPE');
  if (readerLeft.signal.aborted) leave();
  readerLeft.signal.addEventListener('abort', leave, { once: true });
  for (const [name, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(status);
      controller.abort(name);
    });
  }
  return controller.signal;
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function flushed(stream: CliStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}
