/**
 * One decoded frame as a plan's opening pictures want it: RGB of the plan's size, upright, and its luma plane as it is.
 *
 * P2. Views of a frame's planes die with the frame: everything kept is a copy.
 */
import { createHash } from 'node:crypto';
import { AV_PIX_FMT_GRAY8, AVCOL_RANGE_JPEG, type AVPixelFormat } from 'node-av/constants';
import { avGetPixFmtName, type Frame } from 'node-av/lib';
import type { VideoPlan } from '../../core/extraction.ts';
import type { Orientation } from '../../core/media/display.ts';
import { resample } from '../../core/resample/resample.ts';
import { type LumaStats, lumaStats } from '../../core/signals/luma.ts';
import { newFrame, newScaler, RgbScaler, scale } from './rgb-scaler.ts';

/** A distinct frame that answers at least one target. */
export interface Picture {
  /** Packed RGB of the plan's size. */
  readonly rgb: Uint8Array;
  readonly luma: LumaStats;
  /** MD5 of the packed native planes, when asked for. */
  readonly hash?: string;
}

export class PictureMaker {
  readonly plan: VideoPlan;
  readonly #planeHashes: boolean;
  readonly #scaler: RgbScaler;
  /** Wall milliseconds spent so far. */
  readonly timings = { scale: 0, signals: 0 };

  constructor(plan: VideoPlan, orientation: Orientation, planeHashes: boolean) {
    this.plan = plan;
    this.#planeHashes = planeHashes;
    this.#scaler = new RgbScaler(orientation, plan.interpolation === 'bilinear' ? 'bilinear' : 'bicubic');
  }

  make(frame: Frame): Picture {
    const hash = this.#planeHashes ? createHash('md5').update(frame.toBuffer()).digest('hex') : undefined;
    const start = performance.now();
    const luma = lumaStats(lumaPlane(frame));
    const between = performance.now();
    const rgb = this.#rgb(frame);
    this.timings.signals += between - start;
    this.timings.scale += performance.now() - between;
    return { rgb, luma, ...(hash === undefined ? {} : { hash }) };
  }

  close(): void {
    this.#scaler.close();
  }

  #rgb(frame: Frame): Uint8Array {
    const { interpolation } = this.plan;
    if (interpolation === 'bicubic' || interpolation === 'bilinear')
      return this.#scaler.scaled(frame, this.plan);
    const { width, height } = this.plan;
    return resample(this.#scaler.native(frame), { width, height }, interpolation).data;
  }
}

const PLANAR_8 = /^(?:yuvj?a?4\d\dp|nv\d\d|gray)$/;
const PLANAR_DEEP = /^(?:yuva?4\d\dp|gray)(9|10|12|14|16)le$/;

/** Plane of Y codes in 8 bit: a view where the format has one, else a conversion. */
function lumaPlane(frame: Frame): Parameters<typeof lumaStats>[0] {
  const name = avGetPixFmtName(frame.format as AVPixelFormat) ?? '';
  const plane = frame.data?.[0];
  const stride = frame.linesize[0] ?? 0;
  const { width, height } = frame;
  const fullRange = frame.colorRange === AVCOL_RANGE_JPEG || name.startsWith('yuvj') || name === 'gray';
  if (plane !== undefined && stride > 0) {
    if (PLANAR_8.test(name)) return { data: bytesOf(plane), width, height, stride, fullRange };
    const deep = PLANAR_DEEP.exec(name);
    if (deep !== null) {
      const codes = new Uint16Array(plane.buffer, plane.byteOffset, plane.byteLength >> 1);
      const data = toEightBit(codes, width, height, stride / 2, Number(deep[1]));
      return { data, width, height, stride: width, fullRange };
    }
  }
  return convertedLuma(frame);
}

function bytesOf(plane: Buffer): Uint8Array {
  return new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength);
}

function toEightBit(codes: Uint16Array, width: number, height: number, stride: number, bits: number) {
  const data = new Uint8Array(width * height);
  const half = 1 << (bits - 9);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = ((codes[y * stride + x] as number) + half) >> (bits - 8);
      data[y * width + x] = value > 255 ? 255 : value;
    }
  }
  return data;
}

/** RGB, palette and packed formats: luma by swscale, full range. */
function convertedLuma(frame: Frame): Parameters<typeof lumaStats>[0] {
  const { width, height } = frame;
  const grey = newFrame(width, height, AV_PIX_FMT_GRAY8);
  const scaler = newScaler('bilinear');
  try {
    grey.colorRange = AVCOL_RANGE_JPEG;
    scale(scaler, grey, frame);
    return { data: new Uint8Array(grey.toBuffer()), width, height, stride: width, fullRange: true };
  } finally {
    scaler.freeContext();
    grey.free();
  }
}
