/** Whether a union of plans gives every plan what it gets alone, on a real decode. */
import { expect } from 'vitest';
import type { LibavDecoder } from '../../src/adapters/media-libav/decoder.ts';
import { sha256Hex } from '../../src/core/digest.ts';
import { DEFAULT_DECODE_LIMITS, type Extraction } from '../../src/core/extraction.ts';
import type { PinnedObject } from '../../src/stages/object-store.ts';
import { FIVE_SECONDS } from './media-objects.ts';
import { EVERY_FIT, EVERY_RULE } from './view-plans.ts';

/** Generous: other work may share the machine. */
export const PATIENT_LIMITS = { ...DEFAULT_DECODE_LIMITS, deadlineMs: 60_000 };

const PLANS = [FIVE_SECONDS, EVERY_RULE, EVERY_FIT];

/** Failures must be the same too. */
export async function expectUnionEqualsAlone(decoder: LibavDecoder, object: PinnedObject): Promise<void> {
  const limits = PATIENT_LIMITS;
  const code = (error: { readonly code: string }) => error.code;
  const together = await decoder.extractAll({ object, plans: PLANS, limits }).catch(code);
  const apart: Extraction[] = [];
  for (const plan of PLANS) {
    const alone = await decoder.extract({ object, plan, limits }).catch(code);
    if (typeof alone !== 'string') apart.push(alone);
    else if (typeof together === 'string') {
      expect(together, object.uri).toBe(alone);
      return;
    } else expect.fail(`${object.uri}: alone ${alone}, together decoded`);
  }
  if (typeof together === 'string') expect.fail(`${object.uri}: together ${together}, alone decoded`);
  expect(together.map(comparable), object.uri).toEqual(apart.map(comparable));
}

/** Bytes by their digest: a failed deep comparison of megabytes would print for minutes. */
function comparable({ video, audio, views = {}, sounds = {}, probe, signals }: Extraction) {
  return {
    probe,
    signals,
    targets: video?.targets,
    pixels: digestOf(video?.pixels),
    samples: digestOf(audio?.samples),
    views: Object.entries(views).map(([name, view]) => ({ ...view, name, data: digestOf(view.data) })),
    sounds: Object.entries(sounds).map(([name, sound]) => ({
      ...sound,
      name,
      samples: digestOf(sound.samples),
    })),
  };
}

function digestOf(data: Uint8Array | Float32Array | undefined): string | null {
  return data === undefined ? null : sha256Hex(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
