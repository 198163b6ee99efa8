/** What each audio channel is, how channels mix to mono, and how loudness weights them. */

/** A speaker position as far as mixing and loudness care. */
export type ChannelRole = 'front' | 'centre' | 'lfe' | 'surround';

// Bits of the WAVE_FORMAT_EXTENSIBLE channel mask, as libav uses them.
const FRONT = 0x1 | 0x2 | 0x40 | 0x80;
const CENTRE = 0x4;
const LFE = 0x8 | 0x8_0000_0000;

/** Roles in channel order. Without a usable mask: 1 = centre, 2 = left and right, more = all front (no guess). */
export function channelRoles(channels: number, mask: bigint): ChannelRole[] {
  const roles: ChannelRole[] = [];
  for (let bit = 0; bit < 40; bit++) {
    const flag = 2 ** bit;
    if ((mask & BigInt(flag)) !== 0n) roles.push(roleOfBit(flag));
  }
  if (roles.length === channels) return channels === 1 ? ['centre'] : roles;
  return Array.from({ length: channels }, () => (channels === 1 ? 'centre' : 'front'));
}

function roleOfBit(flag: number): ChannelRole {
  if (flag === CENTRE) return 'centre';
  if (flag === 0x8 || flag === LFE - 0x8) return 'lfe';
  return flag < 0x100 && (flag & FRONT) !== 0 ? 'front' : 'surround';
}

/**
 * Coefficients to mono: ITU-R BS.775-3 (front 0.7071, centre 1, surround 0.5, LFE 0), scaled so that they add up to 1:
 * full scale in every channel stays full scale (stereo is (L + R) / 2).
 */
export function monoCoefficients(roles: readonly ChannelRole[]): number[] {
  const weights = roles.map((role) => ({ front: Math.SQRT1_2, centre: 1, surround: 0.5, lfe: 0 })[role]);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (sum === 0 ? 1 / roles.length : weight / sum));
}

/** Channel weights of ITU-R BS.1770-4, table 3: 1.0 front and centre, 1.41 surround, LFE left out. */
export function loudnessWeights(roles: readonly ChannelRole[]): number[] {
  return roles.map((role) => ({ front: 1, centre: 1, surround: 1.41, lfe: 0 })[role]);
}
