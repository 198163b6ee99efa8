/** `models ls`. A broken bundle is listed with its reason: it must not hide the others. */
import { bundleLabel } from '../../core/bundle.ts';
import { toFirstFiveError } from '../../core/errors.ts';
import type { ModelRepository } from '../../stages/model-repository.ts';
import { openRepository } from '../compose/parts.ts';
import type { CliContext } from '../context.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { configurationOf } from '../run-flags.ts';

interface Listed {
  readonly bundle: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly digest?: string;
  readonly tier?: number;
  readonly trained?: boolean;
  readonly calibrated?: boolean;
  readonly licence?: string;
}

export async function listModels(
  context: CliContext,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { options } = await configurationOf(context, flags);
  const repository = await openRepository(options);
  for (const identity of await repository.list()) {
    const listed = await describeBundle(repository, bundleLabel(identity));
    if (flags.json) await writeJson(context.stdout, listed);
    else await writeLine(context.stdout, bundleText(listed));
  }
}

async function describeBundle(repository: ModelRepository, bundle: string): Promise<Listed> {
  try {
    const { manifest, digest } = await repository.load(bundle);
    const { tier, trained, calibration, licence, description } = manifest;
    return {
      bundle,
      ok: true,
      detail: description,
      digest,
      tier,
      trained,
      calibrated: calibration.fitted,
      licence,
    };
  } catch (thrown) {
    const { code, message } = toFirstFiveError(thrown);
    return { bundle, ok: false, detail: `${code} ${message}` };
  }
}

function bundleText({ bundle, ok, detail, digest, tier, trained }: Listed): string {
  if (!ok) return `${bundle}  broken  ${detail}`;
  return `${bundle}  tier ${tier}  ${trained ? 'trained' : 'untrained'}  ${digest?.slice(0, 12)}  ${detail}`;
}
