import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { type CliFolder, captured, cliFolder, packageRoot } from './cli-harness.ts';

let folder: CliFolder;
beforeAll(async () => {
  folder = await cliFolder();
});
afterAll(() => folder.remove());

function commandPaths(): readonly (readonly string[])[] {
  const stream = captured().stream;
  const program = createProgram({
    env: {},
    cwd: folder.path,
    packageRoot,
    cores: 1,
    stdin: (async function* () {})(),
    stdout: stream,
    stderr: stream,
    now: () => 0,
    stopSignal: () => new AbortController().signal,
    setExitCode: () => {},
  });
  return program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [[command.name()]]
      : command.commands.map((inner) => [command.name(), inner.name()]),
  );
}

describe('the command line', () => {
  it('has the commands of its contract', () => {
    expect(commandPaths().map((path) => path.join(' '))).toEqual(
      expect.arrayContaining([
        'demo',
        'score',
        'up',
        'submit',
        'tail',
        'topology lint',
        'topology describe',
        'models ls',
        'models verify',
        'models eval',
        'dlq ls',
        'dlq show',
        'dlq redrive',
        'doctor',
        'test',
        'bench',
      ]),
    );
  });

  it('shows an example under the help of every command', async () => {
    for (const path of commandPaths()) {
      const { code, stdout } = await folder.run([...path, '--help']);
      expect([path.join(' '), code]).toEqual([path.join(' '), 0]);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n  \\$ \\./firstfive ${path.join(' ')}`));
    }
  });

  it('takes the options that say where things live on every command that uses them', async () => {
    const without = ['test', 'bench', 'kafka'];
    for (const path of commandPaths().filter(([name = '']) => !without.includes(name))) {
      const { stdout } = await folder.run([...path, '--help']);
      for (const flag of [
        '--log',
        '--store',
        '--registry',
        '--bundle',
        '--provider',
        '--media-roots',
        '--topic-prefix',
      ]) {
        expect([path.join(' '), flag, stdout.includes(flag)]).toEqual([path.join(' '), flag, true]);
      }
    }
  });

  it.each([
    [['--nonsense'], 2],
    [['nonsense'], 2],
    [['tail'], 2],
    [['submit'], 2],
    [['topology', 'lint', '--nonsense'], 2],
    [['models', 'eval', 'starter'], 2],
    [['topology', 'lint', './none.yaml'], 78],
    [['topology', 'lint', '--provider', 'gpu'], 78],
    [['submit', 'x', '--log', 'kafka://h'], 78],
    [['submit', 'x', '--log', 'sqlite:/dev/null/log.db'], 78],
    [['submit', 'x', '--registry', 'ftp://h'], 78],
    [['submit', 'x', '--registry', 'http://127.0.0.1:1'], 1],
    [['models', 'verify', 'none'], 78],
    [['tail', 'no.such.topic', '--no-follow'], 78],
  ])('exits for %j with %i and one line on stderr', async (args, expected) => {
    const { code, stdout, stderr } = await folder.run(args);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    const [first, ...rest] = stderr.trim().split('\n');
    expect(first).toMatch(/^firstfive: [A-Z_]+ \S/);
    expect(rest.length).toBeLessThanOrEqual(1);
  });

  it('keeps stdout for the answer, also with --json', async () => {
    const { stdout, stderr } = await folder.run(['submit', '--json', '--from', 'none.jsonl']);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^firstfive: USAGE cannot read .*none\.jsonl \(ENOENT\)\n$/);
  });
});
