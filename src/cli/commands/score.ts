/** `score FILE|DIR|URI… | --from uploads.jsonl`: one-shot scores, a line for each upload. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';
import type { ScoreFlags } from '../score-run/score-command.ts';

export function registerScore(program: Command, context: CliContext): void {
  const score = program
    .command('score')
    .argument('[media...]', 'files, folders (all files in them) or URIs')
    .description('score uploads now, on this machine, and print a line for each: scored or rejected')
    .option('--from <file>', 'rows of an uploads.jsonl instead; "-" reads standard input')
    .option('--json', 'one JSON object a line, in input order')
    .addHelpText(
      'after',
      `
Rejected uploads are answers too and do not change the exit status.

Examples:
  $ ./firstfive score my-videos/
  $ ./firstfive score clip.mp4 --json
  $ ./firstfive score --from uploads.jsonl --json > scores.jsonl
`,
    );
  addRunOptions(score).action(async (media: string[], flags: ScoreFlags) => {
    const { scoreCommand } = await import('../score-run/score-command.ts');
    return scoreCommand(context, media, flags);
  });
}
