/**
 * Decoded frames as packed RGB, upright, by libav's own scaler.
 *
 * P1. Colour: the frame's own matrix and range tags; where the matrix is not stated, BT.709 above standard
 *     definition, else BT.601. PQ and HLG are tone-mapped (core/media/hdr.ts), after scaling; other transfer curves and
 *     primaries are left alone.
 */
import {
  AV_FRAME_FLAG_INTERLACED,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_RGB48LE,
  AVCOL_PRI_UNSPECIFIED,
  AVCOL_SPC_BT709,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
  AVCOL_TRC_UNSPECIFIED,
  type AVPixelFormat,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import {
  isHighDefinition,
  type Orientation,
  orientRgb,
  type PictureSize,
  sizeBeforeTurn,
} from '../../core/media/display.ts';
import { type HdrTransfer, toneMapped } from '../../core/media/hdr.ts';
import type { Pixels } from '../../core/resample/resample.ts';

export type ScalerKind = 'bicubic' | 'bilinear';

export class RgbScaler {
  readonly #orientation: Orientation;
  readonly #scaler: SoftwareScaleContext;

  constructor(orientation: Orientation, kind: ScalerKind) {
    this.#orientation = orientation;
    this.#scaler = newScaler(kind);
  }

  /** Packed RGB of the size that a viewer is to see. Scaled first, turned then. */
  scaled(frame: Frame, { width, height }: PictureSize): Uint8Array {
    return this.#convert(frame, sizeBeforeTurn({ width, height }, this.#orientation)).data;
  }

  /** The frame's own pixels (sample aspect not applied), upright. */
  native(frame: Frame): Pixels {
    return this.#convert(frame, { width: frame.width, height: frame.height });
  }

  close(): void {
    this.#scaler.freeContext();
  }

  #convert(frame: Frame, size: PictureSize): Pixels {
    const hdr = hdrTransferOf(frame);
    const format = hdr === undefined ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGB48LE;
    const converted = newFrame(size.width, size.height, format);
    // The next reader of the frame must find it as it was: several plans may want it.
    const { colorSpace, colorPrimaries, colorTrc } = frame;
    try {
      tagColour(frame);
      scale(this.#scaler, converted, frame);
      const data = new Uint8Array(size.width * size.height * 3);
      const packed = converted.toBuffer();
      orientRgb(hdr === undefined ? packed : toneMapped(codesOf(packed), hdr), size, this.#orientation, data);
      return { data, ...sizeBeforeTurn(size, this.#orientation) };
    } finally {
      converted.free();
      Object.assign(frame, { colorSpace, colorPrimaries, colorTrc });
    }
  }
}

export function newScaler(interpolation: ScalerKind): SoftwareScaleContext {
  const scaler = new SoftwareScaleContext();
  scaler.allocContext();
  scaler.setOption('sws_flags', `${interpolation}+accurate_rnd+full_chroma_int`);
  scaler.setOption('threads', '1');
  return scaler;
}

export function newFrame(width: number, height: number, format: AVPixelFormat): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = format;
  if (frame.getBuffer() < 0) throw new FirstFiveError('MEDIA_LIMIT', 'no memory for a picture');
  return frame;
}

/** Interlaced frames are scaled as they are: swscale refuses to make a progressive picture of one that says that it is not. */
export function scale(scaler: SoftwareScaleContext, to: Frame, from: Frame): void {
  from.clearFlags(AV_FRAME_FLAG_INTERLACED);
  if (scaler.scaleFrameSync(to, from) < 0) {
    throw new FirstFiveError('MEDIA_UNSUPPORTED', 'the pixel format cannot be converted');
  }
}

function hdrTransferOf({ colorTrc }: Frame): HdrTransfer | undefined {
  if (colorTrc === AVCOL_TRC_SMPTE2084) return 'pq';
  return colorTrc === AVCOL_TRC_ARIB_STD_B67 ? 'hlg' : undefined;
}

/** A copy: 16-bit codes must be aligned. */
function codesOf(packed: Uint8Array): Uint16Array {
  return new Uint16Array(new Uint8Array(packed).buffer);
}

/** P1. swscale reads the tags of the frame; with a curve and primaries it would map colours, at a second a frame. */
function tagColour(frame: Frame): void {
  if (frame.colorSpace === AVCOL_SPC_UNSPECIFIED) {
    frame.colorSpace = isHighDefinition(frame) ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  }
  frame.colorPrimaries = AVCOL_PRI_UNSPECIFIED;
  frame.colorTrc = AVCOL_TRC_UNSPECIFIED;
}
