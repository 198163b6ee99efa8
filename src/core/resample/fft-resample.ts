/**
 * Resampling of a whole signal in the frequency domain, as `scipy.signal.resample` does it: the spectrum is cut or padded with
 * zeros. The signal counts as periodic. For parity with published systems; libswresample is faster and has no such edge.
 */

/** float32 `[count]` of the same duration. Within 1e-6 of full scale of SciPy's float64 result. */
export function fftResample(samples: Float32Array, count: number): Float32Array {
  const from = samples.length;
  if (from === count || from === 0 || count <= 0) return from === count ? samples : new Float32Array(0);
  const spectrum = anyTransform(Float64Array.from(samples), new Float64Array(from), -1);
  const re = new Float64Array(count);
  const im = new Float64Array(count);
  const kept = Math.min(from, count);
  const copy = (k: number, to: number, gain = 1) => {
    re[to] = (re[to] as number) + gain * (spectrum.re[k] as number);
    im[to] = (im[to] as number) + gain * (spectrum.im[k] as number);
  };
  for (let k = 0; 2 * k < kept; k++) copy(k, k);
  for (let k = 1; 2 * k < kept; k++) copy(from - k, count - k);
  // The middle bin of an even length stands for both halves: it is added up when cutting, shared when padding.
  if (kept % 2 === 0) {
    const gain = count < from ? 1 : 0.5;
    copy(kept / 2, kept / 2, gain);
    copy(from - kept / 2, count - kept / 2, gain);
  }
  const out = anyTransform(re, im, 1);
  return Float32Array.from(out.re, (value) => value / from);
}

interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Discrete Fourier transform of any length, unscaled; `sign` -1 forward, 1 inverse. Bluestein 1970. */
function anyTransform(re: Float64Array, im: Float64Array, sign: 1 | -1): Complex {
  const n = re.length;
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const chirp = chirpOf(n, sign);
  const a = { re: new Float64Array(size), im: new Float64Array(size) };
  const b = { re: new Float64Array(size), im: new Float64Array(size) };
  for (let k = 0; k < n; k++) {
    const c = chirp.re[k] as number;
    const s = chirp.im[k] as number;
    a.re[k] = (re[k] as number) * c - (im[k] as number) * s;
    a.im[k] = (re[k] as number) * s + (im[k] as number) * c;
    b.re[k] = c;
    b.im[k] = -s;
    if (k > 0) {
      b.re[size - k] = c;
      b.im[size - k] = -s;
    }
  }
  radix2(a, -1);
  radix2(b, -1);
  for (let k = 0; k < size; k++) {
    const real = (a.re[k] as number) * (b.re[k] as number) - (a.im[k] as number) * (b.im[k] as number);
    a.im[k] = (a.re[k] as number) * (b.im[k] as number) + (a.im[k] as number) * (b.re[k] as number);
    a.re[k] = real;
  }
  radix2(a, 1);
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    const c = (chirp.re[k] as number) / size;
    const s = (chirp.im[k] as number) / size;
    out.re[k] = (a.re[k] as number) * c - (a.im[k] as number) * s;
    out.im[k] = (a.re[k] as number) * s + (a.im[k] as number) * c;
  }
  return out;
}

/** exp(sign i pi k^2 / n); k^2 is reduced first, or its rounding would be the angle's. */
function chirpOf(n: number, sign: 1 | -1): Complex {
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  let square = 0;
  for (let k = 0; k < n; k++) {
    const angle = (Math.PI * square) / n;
    re[k] = Math.cos(angle);
    im[k] = sign * Math.sin(angle);
    square = (square + 2 * k + 1) % (2 * n);
  }
  return { re, im };
}

/** In place, unscaled; the length is a power of two. */
function radix2({ re, im }: Complex, sign: 1 | -1): void {
  const n = re.length;
  reorder(re, im);
  const cos = Float64Array.from({ length: n / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: n / 2 }, (_, k) => sign * Math.sin((2 * Math.PI * k) / n));
  for (let half = 1; half < n; half *= 2) {
    const stride = n / (2 * half);
    for (let start = 0; start < n; start += 2 * half) {
      for (let k = 0, at = 0; k < half; k++, at += stride) {
        const low = start + k;
        const high = low + half;
        const c = cos[at] as number;
        const s = sin[at] as number;
        const real = (re[high] as number) * c - (im[high] as number) * s;
        const imaginary = (re[high] as number) * s + (im[high] as number) * c;
        re[high] = (re[low] as number) - real;
        im[high] = (im[low] as number) - imaginary;
        re[low] = (re[low] as number) + real;
        im[low] = (im[low] as number) + imaginary;
      }
    }
  }
}

function reorder(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j] as number, re[i] as number];
      [im[i], im[j]] = [im[j] as number, im[i] as number];
    }
  }
}
