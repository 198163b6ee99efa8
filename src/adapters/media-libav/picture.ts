/**
 * One decoded frame as the plan wants it: scaled RGB, turned upright, and its luma plane as it is.
 *
 * P1. Colour: the frame's own matrix and range tags; where the matrix is not stated, BT.709 above standard
 *     definition, else BT.601. Transfer curve and primaries are left alone: PQ and HLG are not tone-mapped.
 * P2. Views of a frame's planes die with the frame: everything kept is a copy.
 */
import { createHash } from 'node:crypto';
import {
  AV_PIX_FMT_GRAY8,
  AV_PIX_FMT_RGB24,
  AVCOL_PRI_UNSPECIFIED,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_UNSPECIFIED,
  type AVPixelFormat,
} from 'node-av/constants';
import { avGetPixFmtName, Frame, SoftwareScaleContext } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type { VideoPlan } from '../../core/extraction.ts';
import { isHighDefinition, type Orientation, orientRgb, sizeBeforeTurn } from '../../core/media/display.ts';
import { type LumaStats, lumaStats } from '../../core/signals/luma.ts';

/** A distinct frame that answers at least one target. */
export interface Picture {
  /** Packed RGB of the plan's size. */
  readonly rgb: Uint8Array;
  readonly luma: LumaStats;
  /** MD5 of the packed native planes, when asked for. */
  readonly hash?: string;
}

export class PictureMaker {
  readonly #plan: VideoPlan;
  readonly #orientation: Orientation;
  readonly #planeHashes: boolean;
  readonly #scaler: SoftwareScaleContext;
  /** Wall milliseconds spent so far. */
  readonly timings = { scale: 0, signals: 0 };

  constructor(plan: VideoPlan, orientation: Orientation, planeHashes: boolean) {
    this.#plan = plan;
    this.#orientation = orientation;
    this.#planeHashes = planeHashes;
    this.#scaler = newScaler(plan.interpolation);
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
    this.#scaler.freeContext();
  }

  #rgb(frame: Frame): Uint8Array {
    const size = sizeBeforeTurn(this.#plan, this.#orientation);
    const scaled = newFrame(size.width, size.height, AV_PIX_FMT_RGB24);
    try {
      tagColour(frame);
      scale(this.#scaler, scaled, frame);
      const rgb = new Uint8Array(size.width * size.height * 3);
      orientRgb(scaled.toBuffer(), size, this.#orientation, rgb);
      return rgb;
    } finally {
      scaled.free();
    }
  }
}

function newScaler(interpolation: VideoPlan['interpolation']): SoftwareScaleContext {
  const scaler = new SoftwareScaleContext();
  scaler.allocContext();
  scaler.setOption('sws_flags', `${interpolation}+accurate_rnd+full_chroma_int`);
  scaler.setOption('threads', '1');
  return scaler;
}

function newFrame(width: number, height: number, format: AVPixelFormat): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = format;
  if (frame.getBuffer() < 0) throw new FirstFiveError('MEDIA_LIMIT', 'no memory for a picture');
  return frame;
}

function scale(scaler: SoftwareScaleContext, to: Frame, from: Frame): void {
  if (scaler.scaleFrameSync(to, from) < 0) {
    throw new FirstFiveError('MEDIA_UNSUPPORTED', 'the pixel format cannot be converted');
  }
}

/** P1. swscale reads the tags of the frame; with a curve and primaries it would map colours, at a second a frame. */
function tagColour(frame: Frame): void {
  if (frame.colorSpace === AVCOL_SPC_UNSPECIFIED) {
    frame.colorSpace = isHighDefinition(frame) ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  }
  frame.colorPrimaries = AVCOL_PRI_UNSPECIFIED;
  frame.colorTrc = AVCOL_TRC_UNSPECIFIED;
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
