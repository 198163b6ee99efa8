/** Colourfulness of one RGB picture. */

/** Hasler and Suesstrunk 2003, M(3), in 8-bit units: 0 grey, 15 slightly, 59 quite, 109 extremely colourful. */
export function colourfulness(rgb: Uint8Array): number {
  const pixels = Math.floor(rgb.length / 3);
  if (pixels === 0) return 0;
  let rg = 0;
  let rg2 = 0;
  let yb = 0;
  let yb2 = 0;
  for (let i = 0; i < pixels * 3; i += 3) {
    const r = rgb[i] as number;
    const g = rgb[i + 1] as number;
    const b = rgb[i + 2] as number;
    const redGreen = r - g;
    const yellowBlue = (r + g) / 2 - b;
    rg += redGreen;
    rg2 += redGreen * redGreen;
    yb += yellowBlue;
    yb2 += yellowBlue * yellowBlue;
  }
  const meanRg = rg / pixels;
  const meanYb = yb / pixels;
  const variances = rg2 / pixels - meanRg ** 2 + yb2 / pixels - meanYb ** 2;
  return Math.min(255, Math.sqrt(Math.max(0, variances)) + 0.3 * Math.sqrt(meanRg ** 2 + meanYb ** 2));
}
