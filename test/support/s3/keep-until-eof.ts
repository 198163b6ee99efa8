/**
 * Runs a command until standard input ends, then ends it: the server of a test goes away with the test's process, however
 * that ends (a pipe is closed by the kernel even after `kill -9`).
 *
 *     node keep-until-eof.ts COMMAND [ARGUMENT…]
 */
import { spawn } from 'node:child_process';

const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('exit', (code) => process.exit(code ?? 1));
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});

const end = () => {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), 3_000).unref();
};
process.stdin.on('end', end).on('error', end).resume();
