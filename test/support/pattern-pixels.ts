/** The picture that golden scripts use as their source (`source` of test/golden/resample/make.py), by the same formula. */
import type { Pixels } from '../../src/core/resample/resample.ts';

export function patternPixels(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const shared = ((x * y * 7) & 0x3ff) ^ (((Math.floor(x / 5) + Math.floor(y / 7)) % 2) * 255);
      for (let c = 0; c < 3; c++) data[at++] = (x * 73 + y * 151 + c * 59) ^ shared;
    }
  }
  return { data, width, height };
}
