/** A small `text-head.bin` and its blocks, with weights that a test can reckon with. */
import type { TextHeadBlock } from '../../src/core/text/text-head-parameters.ts';

const BUCKETS = 64;
/** 1 and 0.5 as IEEE 754 binary16. */
const ONE = 0x3c00;
const HALF = 0x3800;

/** One block of single words for `text` and one for `caption`: every idf is 1, every weight .5. */
export function textHeadFile(): { readonly file: Uint8Array; readonly blocks: readonly TextHeadBlock[] } {
  const size = BUCKETS * 4;
  const file = new Uint8Array(16 + 2 * size);
  const view = new DataView(file.buffer);
  for (const [i, value] of [0x48544646, 1, 2, 0].entries()) view.setUint32(i * 4, value, true);
  const blocks = (['text', 'caption'] as const).map((modality, i): TextHeadBlock => {
    const offset = 16 + i * size;
    for (let k = 0; k < BUCKETS; k++) {
      view.setUint16(offset + 2 * k, ONE, true);
      view.setUint16(offset + 2 * (BUCKETS + k), HALF, true);
    }
    const fields: TextHeadBlock['fields'] = modality === 'text' ? ['title', 'description'] : ['caption'];
    return { modality, fields, kind: 'word', low: 1, high: 1, buckets: BUCKETS, seed: i + 1, offset };
  });
  return { file, blocks };
}
