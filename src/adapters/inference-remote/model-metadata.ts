/** Does a served model take and give what the bundle's graph does? Asked once, before the first upload. */
import { z } from 'zod';
import type { GraphManifest, TensorSpec } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import { DATATYPES } from './tensor-wire.ts';

const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
const metadata = z.object({
  name: z.string(),
  platform: z.string().nullish(),
  inputs: z.array(tensor).nullish(),
  outputs: z.array(tensor).nullish(),
});

export type ModelMetadata = z.infer<typeof metadata>;
type ServedTensor = z.infer<typeof tensor>;

/** @throws `PROVIDER_UNAVAILABLE` for what is no model metadata response of the protocol */
export function parseModelMetadata(bytes: Uint8Array, model: string): ModelMetadata {
  try {
    return metadata.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const message = `the inference server's description of ${model} is not one of the Open Inference Protocol v2`;
    throw new FirstFiveError('PROVIDER_UNAVAILABLE', message, { cause });
  }
}

/**
 * What does not agree, as sentences. A dimension of -1 fits any. A server that lists no tensors (KServe's Python models need not)
 * cannot be compared; `models verify` runs the golden vectors on it instead.
 */
export function metadataProblems(
  graph: Pick<GraphManifest, 'inputs' | 'outputs'>,
  served: ModelMetadata,
): string[] {
  return [
    ...tensorProblems('input', graph.inputs, served.inputs ?? []),
    ...tensorProblems('output', graph.outputs, served.outputs ?? []),
  ];
}

function tensorProblems(
  role: string,
  wanted: readonly TensorSpec[],
  served: readonly ServedTensor[],
): string[] {
  if (served.length === 0) return [];
  const problems: string[] = [];
  for (const { name, type, shape } of wanted) {
    const found = served.find((tensor) => tensor.name === name);
    if (found === undefined) {
      problems.push(`there is no ${role} ${name}`);
      continue;
    }
    if (found.datatype !== DATATYPES[type])
      problems.push(`${role} ${name} has type ${found.datatype}, not ${DATATYPES[type]}`);
    if (!fits(found.shape, shape))
      problems.push(`${role} ${name} has shape [${found.shape}], not [${shape}]`);
  }
  const unknown =
    role === 'input' ? served.filter(({ name }) => !wanted.some((spec) => spec.name === name)) : [];
  for (const { name } of unknown) problems.push(`it wants an input ${name} that the bundle does not give`);
  return problems;
}

/** The batch may be named, -1, or left out (Triton's `max_batch_size` > 0 lists it as -1). */
function fits(served: readonly number[], wanted: TensorSpec['shape']): boolean {
  if (served.length !== wanted.length) return false;
  return wanted.every(
    (dim, i) => i === 0 || typeof dim === 'string' || served[i] === -1 || served[i] === dim,
  );
}
