import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hlgScene, pqLuminance, pqSignal, rolledOff, toneMapped } from '../../../src/core/media/hdr.ts';

/** One grey pixel of the luminance given, 16 bit. */
const pq = (luminance: number) => new Uint16Array(3).fill(Math.round(pqSignal(luminance) * 65_535));

describe('PQ', () => {
  it('has the values of its standard', () => {
    // SMPTE ST 2084 by way of ITU-R BT.2408, table 1: 100 cd/m2 is 50.8 %, 203 cd/m2 is 58.1 %, 1,000 cd/m2 is 75.2 %.
    expect(pqSignal(100)).toBeCloseTo(0.508, 3);
    expect(pqSignal(203)).toBeCloseTo(0.581, 3);
    expect(pqSignal(1000)).toBeCloseTo(0.752, 3);
    expect(pqSignal(10_000)).toBeCloseTo(1, 9);
  });

  it('is undone by its inverse', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 10_000, noNaN: true }), (luminance) => {
        expect(Math.abs(pqLuminance(pqSignal(luminance)) / luminance - 1)).toBeLessThan(1e-6);
      }),
    );
  });
});

describe('HLG', () => {
  it('has the values of its standard', () => {
    expect(hlgScene(0)).toBe(0);
    expect(hlgScene(0.5)).toBeCloseTo(1 / 12, 9);
    expect(hlgScene(1)).toBeCloseTo(1, 4);
  });

  it('shows its reference white (75 %) nearly as white, and greys as greys', () => {
    const [r = 0, g = 0, b = 0] = toneMapped(new Uint16Array(3).fill(Math.round(0.75 * 65_535)), 'hlg');
    expect(r).toBeGreaterThan(210);
    expect(r).toBeLessThanOrEqual(255);
    expect(Math.abs(r - g) + Math.abs(g - b)).toBeLessThanOrEqual(2);
  });
});

describe('tone mapping', () => {
  it('leaves what is dark as it is, and never gets darker as light grows', () => {
    expect(rolledOff(10)).toBe(10);
    expect(rolledOff(1000)).toBeCloseTo(203, 6);
    let last = -1;
    for (let luminance = 0; luminance <= 1200; luminance += 3) {
      const [code = 0] = toneMapped(pq(luminance), 'pq');
      expect(code).toBeGreaterThanOrEqual(last);
      last = code;
    }
    expect(last).toBe(255);
  });

  it('shows 26 cd/m2, a diffuse grey, as the code that BT.1886 has for it', () => {
    const expected = 255 * (26 / 203) ** (1 / 2.4);
    expect(Math.abs((toneMapped(pq(26), 'pq')[0] ?? 0) - expected)).toBeLessThanOrEqual(2);
  });

  it('takes 8-bit pixels as it takes 16-bit ones', () => {
    const deep = Uint16Array.from([128, 64, 200], (code) => code * 257);
    const shallow = Uint8Array.from([128, 64, 200]);
    for (const transfer of ['pq', 'hlg'] as const)
      expect(toneMapped(shallow, transfer)).toEqual(toneMapped(deep, transfer));
  });
});
