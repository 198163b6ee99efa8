import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  displaySize,
  isHighDefinition,
  orientationOf,
  orientRgb,
  sizeBeforeTurn,
} from '../../../src/core/media/display.ts';

function matrix(a: number, b: number, c: number, d: number): Uint8Array {
  const fixed = [a, b, 0, c, d, 0, 0, 0, 16_384].map((value) => Math.round(value * 65_536));
  return new Uint8Array(Int32Array.from(fixed).buffer);
}

/** One letter a pixel, so that a picture can be read in the test. */
function turned(rows: readonly string[], orientation: Parameters<typeof orientRgb>[2]): string[] {
  const size = { width: rows[0]?.length ?? 0, height: rows.length };
  const source = Uint8Array.from([...rows.join('')].flatMap((letter) => Array(3).fill(letter.charCodeAt(0))));
  const out = new Uint8Array(source.length);
  orientRgb(source, size, orientation, out);
  const letters = [...out].filter((_, i) => i % 3 === 0).map((code) => String.fromCharCode(code));
  const width = orientation.rotation % 180 === 0 ? size.width : size.height;
  return Array.from({ length: letters.length / width }, (_, y) =>
    letters.slice(y * width, (y + 1) * width).join(''),
  );
}

describe('the display matrix', () => {
  it.each([
    [[1, 0, 0, 1], 0, false],
    [[0, 1, -1, 0], 90, false],
    [[-1, 0, 0, -1], 180, false],
    [[0, -1, 1, 0], 270, false],
    [[-1, 0, 0, 1], 0, true],
    [[1, 0, 0, -1], 180, true],
    [[0, 1, 1, 0], 270, true],
    [[0, -1, -1, 0], 90, true],
  ] as const)('%j turns by %i degrees, mirrored: %s', ([a, b, c, d], rotation, mirrored) => {
    expect(orientationOf(matrix(a, b, c, d))).toEqual({ rotation, mirrored });
  });

  it('moves every pixel to where the matrix puts it', () => {
    const rows = ['abc', 'def'];
    expect(turned(rows, { rotation: 90, mirrored: false })).toEqual(['da', 'eb', 'fc']);
    expect(turned(rows, { rotation: 180, mirrored: false })).toEqual(['fed', 'cba']);
    expect(turned(rows, { rotation: 270, mirrored: false })).toEqual(['cf', 'be', 'ad']);
    expect(turned(rows, { rotation: 0, mirrored: true })).toEqual(['cba', 'fed']);
    expect(turned(rows, { rotation: 180, mirrored: true })).toEqual(['def', 'abc']);
  });

  it('that is missing, short or singular leaves the picture upright', () => {
    const upright = { rotation: 0, mirrored: false };
    expect(orientationOf(undefined)).toEqual(upright);
    expect(orientationOf(new Uint8Array(35))).toEqual(upright);
    expect(orientationOf(new Uint8Array(36))).toEqual(upright);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 36, maxLength: 36 }), (bytes) => {
        expect([0, 90, 180, 270]).toContain(orientationOf(bytes).rotation);
      }),
    );
  });
});

describe('the size as seen', () => {
  it('stretches by the sample aspect, then turns', () => {
    expect(displaySize({ width: 720, height: 576 }, 16 / 15, 0)).toEqual({ width: 768, height: 576 });
    expect(displaySize({ width: 1920, height: 1080 }, 1, 90)).toEqual({ width: 1080, height: 1920 });
    expect(displaySize({ width: 320, height: 240 }, 1 / 1000, 0)).toEqual({ width: 1, height: 240 });
    expect(displaySize({ width: 320, height: 240 }, Number.NaN, 0)).toEqual({ width: 320, height: 240 });
  });

  it('is scaled to before the turn', () => {
    const wanted = { width: 256, height: 452 };
    expect(sizeBeforeTurn(wanted, { rotation: 90, mirrored: false })).toEqual({ width: 452, height: 256 });
    expect(sizeBeforeTurn(wanted, { rotation: 180, mirrored: true })).toEqual(wanted);
  });
});

describe('the assumed colour matrix', () => {
  it('does not depend on which way the picture lies', () => {
    for (const [a, b, high] of [
      [480, 854, false],
      [720, 576, false],
      [720, 1280, true],
      [640, 640, true],
    ] as const) {
      expect(isHighDefinition({ width: a, height: b })).toBe(high);
      expect(isHighDefinition({ width: b, height: a })).toBe(high);
    }
  });
});
