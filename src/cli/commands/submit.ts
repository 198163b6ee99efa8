/** `submit FILE|DIR|URI… | --from uploads.jsonl`: upload events into the log; the media is not opened. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';
import type { SubmitFlags } from '../submit-uploads.ts';

export function registerSubmit(program: Command, context: CliContext): void {
  const submit = program
    .command('submit')
    .argument('[media...]', 'files, folders (all files in them) or URIs')
    .description('publish upload events for a running pipeline; opens none of the media')
    .option('--from <file>', 'rows of an uploads.jsonl instead; "-" reads standard input')
    .option('--json', 'one JSON object a line: where each event landed, or why there is none')
    .addHelpText('after', '\nExample:\n  $ ./firstfive submit --from uploads.jsonl\n');
  addRunOptions(submit).action(async (media: string[], flags: SubmitFlags) => {
    const { submitUploads } = await import('../submit-uploads.ts');
    return submitUploads(context, media, flags);
  });
}
