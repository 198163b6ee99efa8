/**
 * The packet loop of one upload, with its picture and its sound track.
 *
 * Q1. Reading stops as soon as the last target is answered and the window's sound is complete; a track that falls silent
 *     stops it `SLACK_MS` of the file's own time later, so that a long upload costs what a short one does.
 */
import { AV_PKT_DATA_ENCRYPTION_INFO, AVERROR_EAGAIN } from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type { DecodeLimits } from '../../core/extraction.ts';
import { UPRIGHT } from '../../core/media/display.ts';
import type { FrameTimes } from '../../core/plan/select.ts';
import type { UnionPlan } from '../../core/plan/union.ts';
import { AudioTrack } from './audio-track.ts';
import { ListedDecode } from './listed.ts';
import { PictureMaker } from './picture.ts';
import { PictureAsk } from './picture-ask.ts';
import { RgbScaler } from './rgb-scaler.ts';
import type { OpenedMedia } from './source.ts';
import { SparseDecode } from './sparse.ts';
import type { ChosenTracks } from './streams.ts';
import { averageRate, toMs } from './timestamps.ts';
import { VideoTrack } from './video-track.ts';
import { ViewTap } from './view-tap.ts';

export interface ReadingOptions {
  readonly union: UnionPlan;
  readonly limits: DecodeLimits;
  /** How this reading goes about the pictures. */
  readonly approach: Approach;
  readonly planeHashes: boolean;
}

/**
 * `plain`: every frame as it comes. `sparse`: only those that are needed, where that is exact (sparse.ts). Plans with views:
 * `listed`: frames by number from the packets' timestamps (listed.ts); `list`: only the frames' times are wanted; frame times:
 * those of an earlier decode.
 */
export type Approach = 'plain' | 'sparse' | 'listed' | 'list' | FrameTimes;

/** Files interleave their tracks within a second or two. */
const SLACK_MS = 3000;
/** Audio packets behind the window's end that are still decoded: decoders may hold one back. */
const AUDIO_OVERLAP_MS = 150;

/** The packet loop and its two tracks. */
export class Reading {
  readonly #media: OpenedMedia;
  readonly #chosen: ChosenTracks;
  readonly #options: ReadingOptions;
  readonly makers: readonly PictureMaker[];
  /** In the order of the union's pictures. */
  readonly asks: readonly PictureAsk[];
  readonly tap: ViewTap | undefined;
  readonly video: VideoTrack | undefined;
  readonly audio: AudioTrack | undefined;
  readonly #held: SparseDecode | ListedDecode | undefined;
  #originMs: number | undefined;
  #videoDone: boolean;
  #audioDone: boolean;
  /** Of the packets of the picture track so far. */
  #pixels = 0;
  /** Packets read from the container. */
  packets = 0;

  constructor(media: OpenedMedia, chosen: ChosenTracks, options: ReadingOptions) {
    this.#media = media;
    this.#chosen = chosen;
    this.#options = options;
    const { union, limits, approach } = options;
    const { video, audio } = chosen;
    const pictures = video === undefined || approach === 'list' ? [] : union.pictures;
    const orientation = video?.orientation ?? UPRIGHT;
    this.makers = pictures.map((plan) => new PictureMaker(plan, orientation, options.planeHashes));
    this.asks = this.makers.map((maker) => new PictureAsk(maker.plan, maker));
    if (video !== undefined) {
      if (union.views.length > 0)
        this.tap = new ViewTap(union.views, new RgbScaler(orientation, 'bicubic'), limits);
      if (typeof approach === 'object') this.tap?.expect(approach, 'trust');
      this.video = new VideoTrack(video.stream, video.codec, { limits, asks: this.asks, tap: this.tap });
      this.#held = this.#holding(video.stream);
    }
    if (audio !== undefined) this.audio = new AudioTrack(audio.stream, audio.codec);
    this.#videoDone = this.video === undefined;
    this.#audioDone = this.audio === undefined;
  }

  #holding(stream: Stream): SparseDecode | ListedDecode | undefined {
    const { approach, union } = this.#options;
    if (approach === 'listed' && this.tap !== undefined) return new ListedDecode(stream, this.tap);
    if (approach !== 'sparse' || !SparseDecode.suits(stream)) return undefined;
    return new SparseDecode(stream, union.openingMs, this.asks);
  }

  /** True when the result is that of a full decode. */
  async run(): Promise<boolean> {
    const packet = new Packet();
    packet.alloc();
    try {
      while (!(this.#videoDone && this.#audioDone)) {
        const next = this.#media.next(packet);
        const status = typeof next === 'number' ? next : await next;
        // Any error ends the file, as in the ffmpeg command; what was read before it counts.
        if (status < 0 && status !== AVERROR_EAGAIN) break;
        if (++this.packets > this.#options.limits.maxPackets) {
          throw new FirstFiveError('MEDIA_LIMIT', 'too many packets before the window ends');
        }
        const more = status < 0 || this.#take(packet);
        packet.unref();
        if (!more) break;
      }
    } finally {
      packet.free();
    }
    this.audio?.send(null);
    if (this.video === undefined) return true;
    if (this.#held !== undefined) return this.#held.decode(this.video);
    this.video.finish();
    return true;
  }

  /** False when reading on is pointless (Q1). */
  #take(packet: Packet): boolean {
    const { video, audio } = this.#chosen;
    const index = packet.streamIndex;
    if (index === video?.stream.index) this.#videoPacket(packet, video);
    else if (index === audio?.stream.index) this.#audioPacket(packet, audio);
    else return true;
    const stream = index === video?.stream.index ? video.stream : audio?.stream;
    const atMs =
      stream === undefined
        ? undefined
        : (toMs(packet.dts, stream.timeBase) ?? toMs(packet.pts, stream.timeBase));
    const { picturesEndMs, soundEndMs } = this.#options.union;
    const end = Math.max(soundEndMs, picturesEndMs);
    return atMs === undefined || this.#originMs === undefined || atMs - this.#originMs < end + SLACK_MS;
  }

  #videoPacket(packet: Packet, { stream }: NonNullable<ChosenTracks['video']>): void {
    refuseEncrypted(packet);
    if (this.#videoDone || this.video === undefined) return;
    // Packets, not frames: a sparse decode must stop where a full one does.
    this.#pixels += stream.codecpar.width * stream.codecpar.height;
    if (this.#pixels > this.#options.limits.maxDecodedPixels) {
      this.#videoDone = true;
      return;
    }
    const last = this.#options.union.picturesEndMs;
    if (this.#held !== undefined) {
      this.#held.hold(packet);
      this.#originMs = this.#held.originMs;
      const dtsMs = toMs(packet.dts, stream.timeBase);
      this.#videoDone = dtsMs !== undefined && this.#originMs !== undefined && dtsMs > this.#originMs + last;
      return;
    }
    this.video.send(packet);
    this.#originMs = this.video.originMs ?? this.#originMs ?? toMs(packet.pts, stream.timeBase);
    this.#videoDone = this.video.done;
  }

  #audioPacket(packet: Packet, { stream }: NonNullable<ChosenTracks['audio']>): void {
    refuseEncrypted(packet);
    if (this.#audioDone) return;
    const ptsMs = toMs(packet.pts, stream.timeBase);
    if (this.video === undefined) this.#originMs ??= ptsMs;
    const end = this.#options.union.soundEndMs + AUDIO_OVERLAP_MS;
    if (ptsMs !== undefined && this.#originMs !== undefined && ptsMs - this.#originMs >= end)
      this.#audioDone = true;
    else this.audio?.send(packet);
  }

  /** Wall milliseconds of the opening pictures' making. */
  spent(step: 'scale' | 'signals'): number {
    return this.makers.reduce((sum, { timings }) => sum + timings[step], 0);
  }

  /** Every frame of the views' windows, when this reading has gone over them all. */
  get frames(): FrameTimes | undefined {
    const stream = this.#chosen.video?.stream;
    const timesMs = this.tap?.times;
    const seenAll = this.#held instanceof ListedDecode ? this.#held.seenAll : true;
    if (stream === undefined || timesMs === undefined || !seenAll) return undefined;
    return { timesMs, fps: averageRate(stream, timesMs) };
  }

  get sparse(): boolean {
    return this.#held instanceof SparseDecode;
  }

  close(): void {
    this.#held?.close();
    this.video?.close();
    this.audio?.close();
    this.tap?.close();
    for (const maker of this.makers) maker.close();
  }
}

/** Samples under common encryption (ISO/IEC 23001-7) carry their scheme as side data; without a key they are noise. */
function refuseEncrypted(packet: Packet): void {
  if (packet.getSideData(AV_PKT_DATA_ENCRYPTION_INFO) !== null) {
    throw new FirstFiveError('MEDIA_ENCRYPTED', 'the samples are encrypted');
  }
}
