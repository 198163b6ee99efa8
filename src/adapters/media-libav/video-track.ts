/**
 * The upload's picture track: packets in, answered targets out.
 *
 * V1. Decoding is single-threaded; frames come out in presentation order, and the asks decide which are kept.
 * V2. Damage is the decoder's business: every error of a packet is passed over, and what counts is the frames that come.
 */
import { AV_FRAME_FLAG_CORRUPT, AV_NOPTS_VALUE, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { type Codec, CodecContext, Frame, type Packet, type Stream } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type { DecodeLimits } from '../../core/extraction.ts';
import type { PictureAsk } from './picture-ask.ts';
import { toMs } from './timestamps.ts';
import type { ViewTap } from './view-tap.ts';

/** Used when neither a timestamp nor a frame rate says how long a frame lasts. */
const DEFAULT_FRAME_MS = 40;
/** A decoder reports one error per damaged packet (V2); one that never stops must not hold the loop. */
const MAX_ERRORS_IN_A_ROW = 32;

export function openVideoContext(stream: Stream, codec: Codec, limits: DecodeLimits): CodecContext {
  const context = new CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  context.threadCount = 1;
  context.setOption('max_pixels', String(limits.maxPixels));
  if (context.open2Sync(codec) < 0) {
    context.freeContext();
    throw new FirstFiveError('MEDIA_UNSUPPORTED', 'the video decoder cannot be opened');
  }
  return context;
}

export interface VideoTrackOptions {
  readonly limits: DecodeLimits;
  readonly asks: readonly PictureAsk[];
  /** Sees every frame that counts, where the plan has views. */
  readonly tap?: ViewTap | undefined;
}

export class VideoTrack {
  readonly #stream: Stream;
  readonly #context: CodecContext;
  readonly #options: VideoTrackOptions;
  #frame = new Frame();
  #previous = new Frame();
  #previousMs: number | undefined;
  #originMs: number | undefined;
  #skipping = false;
  /** Frames that came out of the decoder. */
  decodedFrames = 0;
  /** True once a frame came out that the decoder calls damaged. */
  damaged = false;

  constructor(stream: Stream, codec: Codec, options: VideoTrackOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#context = openVideoContext(stream, codec, options.limits);
    this.#frame.alloc();
    this.#previous.alloc();
  }

  /** Absolute time of the first decodable frame, once there was one (t = 0 of the plan). */
  get originMs(): number | undefined {
    return this.#originMs;
  }

  get done(): boolean {
    const { asks, tap } = this.#options;
    return asks.every((ask) => ask.done) && (tap?.done ?? true);
  }

  /** One packet; `skip` lets the decoder pass over it when nothing else refers to it. */
  send(packet: Packet, skip = false): void {
    if (skip !== this.#skipping) this.#context.setOption('skip_frame', skip ? 'noref' : 'default');
    this.#skipping = skip;
    this.#submit(packet);
  }

  /** The stream has ended: delayed frames come out, open targets take the last frame. */
  finish(): void {
    if (!this.done) this.#submit(null);
    const last =
      this.#previousMs === undefined ? undefined : { frame: this.#previous, ptsMs: this.#previousMs };
    for (const ask of this.#options.asks) ask.finish(last);
  }

  close(): void {
    this.#frame.free();
    this.#previous.free();
    this.#context.freeContext();
  }

  #submit(packet: Packet | null): void {
    let sent = this.#context.sendPacketSync(packet);
    if (sent === AVERROR_EAGAIN) {
      this.#receive();
      sent = this.#context.sendPacketSync(packet);
    }
    this.#receive();
  }

  #receive(): void {
    let errors = 0;
    while (!this.done && errors < MAX_ERRORS_IN_A_ROW) {
      const status = this.#context.receiveFrameSync(this.#frame);
      if (status === AVERROR_EAGAIN || status === AVERROR_EOF) return;
      if (status < 0) errors++;
      else this.#take();
    }
  }

  #take(): void {
    const frame = this.#frame;
    this.decodedFrames++;
    this.damaged ||= frame.decodeErrorFlags !== 0 || frame.hasFlags(AV_FRAME_FLAG_CORRUPT);
    if (this.decodedFrames > this.#options.limits.maxDecodedFrames) {
      throw new FirstFiveError('MEDIA_LIMIT', 'too many frames before the last target');
    }
    if (frame.width * frame.height > this.#options.limits.maxPixels) {
      throw new FirstFiveError('MEDIA_LIMIT', 'a frame has more pixels than allowed');
    }
    const absoluteMs = this.#timeOf(frame);
    this.#originMs ??= absoluteMs;
    const ptsMs = absoluteMs - this.#originMs;
    if (!this.#offer(frame, ptsMs)) {
      frame.unref();
      return;
    }
    [this.#frame, this.#previous] = [this.#previous, frame];
    this.#previousMs = ptsMs;
    this.#frame.unref();
  }

  /** False when the frame does not count (T2 of targets.ts). */
  #offer(frame: Frame, ptsMs: number): boolean {
    const { asks, tap } = this.#options;
    const before = this.#previousMs;
    if (before !== undefined && ptsMs <= before) return false;
    const previous = before === undefined ? undefined : { frame: this.#previous, ptsMs: before };
    for (const ask of asks) ask.offer({ frame, ptsMs }, previous);
    tap?.take({ frame, ptsMs });
    return true;
  }

  #timeOf(frame: Frame): number {
    const pts = frame.pts === AV_NOPTS_VALUE ? frame.bestEffortTimestamp : frame.pts;
    const stated = toMs(pts, this.#stream.timeBase);
    if (stated !== undefined) return stated;
    const rate = this.#stream.avgFrameRate;
    const step = rate.num > 0 && rate.den > 0 ? (1000 * rate.den) / rate.num : DEFAULT_FRAME_MS;
    return this.#previousMs === undefined ? 0 : (this.#originMs ?? 0) + this.#previousMs + step;
  }
}
