/** Power spectrum of real frames by a complex radix-2 FFT of half the size. */

/** Computes spectra of one size again and again without allocating. */
export class RealFft {
  readonly size: number;
  /** Power |X(k)|^2 of bins 0 to size / 2, overwritten by every `power` call. */
  readonly bins: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #window: Float64Array;
  readonly #reversed: Uint16Array;

  /** `size`: a power of two from 8 to 65,536. The window is a periodic Hann window. */
  constructor(size: number) {
    const half = size / 2;
    this.size = size;
    this.bins = new Float64Array(half + 1);
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
    this.#cos = Float64Array.from({ length: half }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.#sin = Float64Array.from({ length: half }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    this.#window = Float64Array.from(
      { length: size },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size),
    );
    const bits = Math.log2(half);
    this.#reversed = Uint16Array.from({ length: half }, (_, i) => reverseBits(i, bits));
  }

  /** Windowed spectrum of `samples[at, at + size)`; beyond the end counts as silence. */
  power(samples: Float32Array, at: number): Float64Array {
    const half = this.size / 2;
    const window = this.#window;
    for (let i = 0; i < half; i++) {
      const to = this.#reversed[i] as number;
      const from = at + 2 * i;
      this.#re[to] = (samples[from] ?? 0) * (window[2 * i] as number);
      this.#im[to] = (samples[from + 1] ?? 0) * (window[2 * i + 1] as number);
    }
    this.#transform(half);
    this.#unpack(half);
    return this.bins;
  }

  #transform(half: number): void {
    const re = this.#re;
    const im = this.#im;
    for (let span = 1; span < half; span *= 2) {
      const stride = half / span;
      for (let k = 0; k < span; k++) {
        const c = this.#cos[k * stride] as number;
        const s = this.#sin[k * stride] as number;
        for (let a = k; a < half; a += 2 * span) {
          const b = a + span;
          const tr = (re[b] as number) * c + (im[b] as number) * s;
          const ti = (im[b] as number) * c - (re[b] as number) * s;
          re[b] = (re[a] as number) - tr;
          im[b] = (im[a] as number) - ti;
          re[a] = (re[a] as number) + tr;
          im[a] = (im[a] as number) + ti;
        }
      }
    }
  }

  /** Even and odd samples were the real and imaginary part: separates the two and joins them to the full spectrum. */
  #unpack(half: number): void {
    const re = this.#re;
    const im = this.#im;
    for (let k = 0; k <= half; k++) {
      const a = k % half;
      const b = (half - k) % half;
      const evenRe = ((re[a] as number) + (re[b] as number)) / 2;
      const evenIm = ((im[a] as number) - (im[b] as number)) / 2;
      const oddRe = ((im[a] as number) + (im[b] as number)) / 2;
      const oddIm = ((re[b] as number) - (re[a] as number)) / 2;
      const c = k === half ? -1 : (this.#cos[k] as number);
      const s = k === half ? 0 : (this.#sin[k] as number);
      const x = evenRe + oddRe * c + oddIm * s;
      const y = evenIm + oddIm * c - oddRe * s;
      this.bins[k] = x * x + y * y;
    }
  }
}

function reverseBits(value: number, bits: number): number {
  let reversed = 0;
  for (let i = 0; i < bits; i++) reversed |= ((value >> i) & 1) << (bits - 1 - i);
  return reversed;
}
