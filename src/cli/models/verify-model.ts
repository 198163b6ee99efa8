/** `models verify`: exit 1 when something computes what it should not, 78 when the bundle cannot be loaded at all. */

import { openBundle, openGraphs } from '../compose/parts.ts';
import type { CliContext } from '../context.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { configurationOf } from '../run-flags.ts';

export async function verifyModel(
  context: CliContext,
  name: string | undefined,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  const bundle = await openBundle(options, name ?? topology.bundle);
  const { verifyBundle } = await import('../../adapters/model-repository/verify.ts');
  const { intraOpThreads = 1 } = topology.inference;
  const inference = await openGraphs(bundle, options, { workers: 1, intraOpThreads });
  const provider = inference.executionProvider;
  try {
    const checks = await verifyBundle(bundle, inference);
    const ok = checks.every((check) => check.ok);
    if (flags.json) {
      await writeJson(context.stdout, { bundle: bundle.label, digest: bundle.digest, provider, ok, checks });
    } else {
      await writeLine(context.stdout, `${bundle.label} on ${provider}: files and signatures ok`);
      for (const check of checks) {
        await writeLine(context.stdout, `${check.ok ? 'ok  ' : 'FAIL'}  ${check.name}  ${check.detail}`);
      }
    }
    if (!ok) context.setExitCode(1);
  } finally {
    await inference.close();
  }
}
