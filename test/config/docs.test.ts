import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPTION_TABLE } from '../../src/config/option-table.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('docs/specs', () => {
  it('have a row for every option, with its flag and its variable', () => {
    const rows = read('docs/specs/configuration.md').split('\n');
    for (const { key, flag, env } of OPTION_TABLE) {
      const row = rows.find((line) =>
        line.startsWith(`| \`${key}\` | \`${flag.split(' ', 1)[0]}\` | \`${env}\``),
      );
      expect([key, row !== undefined]).toEqual([key, true]);
    }
  });

  it('have a row for every metric that is made, and for no other', () => {
    const made = ['src/runtime/telemetry.ts', 'src/adapters/telemetry/process-metrics.ts'].flatMap((path) =>
      [...read(path).matchAll(/(?:create\w+|#histogram)\(\s*'([a-z][a-z0-9._]+)'/g)].map((match) => match[1]),
    );
    const documented = [
      ...read('docs/specs/telemetry.md').matchAll(
        /^\| `([a-z][a-z0-9._]+)` \| (?:counter|gauge|histogram)/gm,
      ),
    ].map((match) => match[1]);
    expect(made.length).toBeGreaterThan(10);
    expect(documented.sort()).toEqual(made.sort());
  });
});
