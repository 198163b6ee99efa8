/** `doctor`: every check, a line each, exit 1 when something that is configured cannot work. */
import type { CliContext } from '../context.ts';
import { painterFor } from '../output/paint.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { harmless } from '../output/text-width.ts';
import { configurationOf } from '../run-flags.ts';
import { type CheckStatus, runChecks } from './checks.ts';
import { bundleCheck, decoderCheck, providerCheck } from './engine-checks.ts';
import { diskCheck, ffmpegCheck, nodeCheck, sandboxCheck, threadPoolCheck } from './machine-checks.ts';
import { logCheck, mediaRootsCheck, registryCheck, storeCheck } from './place-checks.ts';

const COLOURS = { ok: 'green', info: 'dim', warn: 'yellow', fail: 'red' } as const satisfies Record<
  CheckStatus,
  string
>;

export async function doctorCommand(
  context: CliContext,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  const paint = painterFor(context.stdout, context.env);
  const checks = [
    nodeCheck(process.version),
    threadPoolCheck(context.env),
    decoderCheck(options),
    ffmpegCheck(options),
    sandboxCheck(options),
    providerCheck(options),
    bundleCheck(options, topology),
    logCheck(options, topology, context),
    storeCheck(options, context.env),
    registryCheck(options, context.env),
    mediaRootsCheck(options),
    diskCheck(options),
  ];
  let failures = 0;
  for await (const result of runChecks(checks)) {
    if (result.status === 'fail') failures++;
    if (flags.json) {
      await writeJson(context.stdout, result);
      continue;
    }
    const { name, status, detail, fix } = result;
    await writeLine(
      context.stdout,
      `${paint(COLOURS[status], status.padEnd(4))}  ${name}: ${harmless(detail)}`,
    );
    if (fix !== undefined) await writeLine(context.stdout, `      ${fix}`);
  }
  if (failures > 0) context.setExitCode(1);
}
