/**
 * High dynamic range made fit for models and viewers of standard range, pixel by pixel.
 *
 * D1. PQ (SMPTE ST 2084) and HLG (ARIB STD-B67), with the primaries of BT.2020, become BT.709 with a gamma of 2.4 (BT.1886).
 * D2. Reference white (203 cd/m2, ITU-R BT.2408) becomes white. What is brighter is rolled off by the EETF of ITU-R BT.2390,
 *     section 5.4.1, from 1,000 cd/m2, applied to the greatest of the three components, so that hues stay. Metadata of the file is
 *     not asked: it is missing or wrong more often than not.
 * D3. HLG is shown as on a display of 1,000 cd/m2 with its system gamma of 1.2 (BT.2100).
 */

export type HdrTransfer = 'pq' | 'hlg';

const WHITE = 203;
const PEAK = 1000;
const GAMMA = 2.4;
const CODES = 4096;

/** Inverse EOTF of ST 2084: cd/m2 to signal in [0, 1]. */
export function pqSignal(luminance: number): number {
  const y = Math.max(0, luminance / 10_000) ** M1;
  return ((C1 + C2 * y) / (1 + C3 * y)) ** M2;
}

/** EOTF of ST 2084: signal in [0, 1] to cd/m2. */
export function pqLuminance(signal: number): number {
  const root = Math.max(0, signal) ** (1 / M2);
  return 10_000 * (Math.max(0, root - C1) / (C2 - C3 * root)) ** (1 / M1);
}

const M1 = 2610 / 16_384;
const M2 = (2523 / 4096) * 128;
const C1 = 3424 / 4096;
const C2 = (2413 / 4096) * 32;
const C3 = (2392 / 4096) * 32;

/** Inverse OETF of HLG (BT.2100, table 5): signal in [0, 1] to scene light in [0, 1]. */
export function hlgScene(signal: number): number {
  const a = 0.17883277;
  const b = 1 - 4 * a;
  const c = 0.5 - a * Math.log(4 * a);
  return signal <= 0.5 ? signal ** 2 / 3 : (Math.exp((signal - c) / a) + b) / 12;
}

/** EETF of BT.2390: cd/m2 in [0, 1,000] to cd/m2 in [0, 203]. */
export function rolledOff(luminance: number): number {
  const top = pqSignal(PEAK);
  const maxLum = pqSignal(WHITE) / top;
  const knee = 1.5 * maxLum - 0.5;
  const e1 = Math.min(1, pqSignal(luminance) / top);
  if (e1 < knee) return luminance;
  const t = (e1 - knee) / (1 - knee);
  const t2 = t * t;
  const t3 = t2 * t;
  const e2 = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * maxLum;
  return pqLuminance(e2 * top);
}

/** `pixels`: packed R'G'B' of the transfer, full range of the array's type; the result is 8-bit R'G'B' of BT.709. */
export function toneMapped(pixels: Uint8Array | Uint16Array, transfer: HdrTransfer): Uint8Array {
  const { linear, ratio, gamma } = tablesOf(transfer);
  const out = new Uint8Array(pixels.length);
  const scale = (CODES - 1) / (pixels instanceof Uint8Array ? 255 : 65_535);
  for (let i = 0; i + 2 < pixels.length; i += 3) {
    let r = linear[Math.round((pixels[i] as number) * scale)] as number;
    let g = linear[Math.round((pixels[i + 1] as number) * scale)] as number;
    let b = linear[Math.round((pixels[i + 2] as number) * scale)] as number;
    if (transfer === 'hlg') {
      const system = PEAK * (0.2627 * r + 0.678 * g + 0.0593 * b) ** 0.2;
      r *= system;
      g *= system;
      b *= system;
    }
    const most = Math.min(PEAK, Math.max(r, g, b));
    const factor = (ratio[Math.round((most / PEAK) * (CODES - 1))] as number) / WHITE;
    // Primaries of BT.2020 to those of BT.709 (ITU-R BT.2087, the inverse of its table 4).
    out[i] = coded(gamma, factor * (1.660491 * r - 0.587641 * g - 0.07285 * b));
    out[i + 1] = coded(gamma, factor * (-0.124551 * r + 1.1329 * g - 0.008349 * b));
    out[i + 2] = coded(gamma, factor * (-0.018151 * r - 0.100579 * g + 1.11873 * b));
  }
  return out;
}

interface Tables {
  /** Signal to light: cd/m2 for PQ, scene light for HLG. */
  readonly linear: Float64Array;
  /** Greatest component, in steps of PEAK / CODES, to what it is multiplied by. */
  readonly ratio: Float64Array;
  /** Square root of light in [0, 1] to an 8-bit code: the root spreads the dark. */
  readonly gamma: Uint8Array;
}

const tables = new Map<HdrTransfer, Tables>();

function tablesOf(transfer: HdrTransfer): Tables {
  const known = tables.get(transfer);
  if (known !== undefined) return known;
  const over = <T extends Float64Array | Uint8Array>(array: T, value: (x: number) => number): T => {
    for (let i = 0; i < CODES; i++) array[i] = value(i / (CODES - 1));
    return array;
  };
  const made: Tables = {
    linear: over(new Float64Array(CODES), transfer === 'pq' ? pqLuminance : hlgScene),
    ratio: over(new Float64Array(CODES), (x) => (x === 0 ? 1 : rolledOff(x * PEAK) / (x * PEAK))),
    gamma: over(new Uint8Array(CODES), (x) => Math.round(255 * (x * x) ** (1 / GAMMA))),
  };
  tables.set(transfer, made);
  return made;
}

function coded(gamma: Uint8Array, light: number): number {
  const root = Math.sqrt(Math.min(1, Math.max(0, light)));
  return gamma[Math.round(root * (CODES - 1))] as number;
}
