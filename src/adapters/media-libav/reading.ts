/**
 * The packet loop of one upload, with its picture and its sound track.
 *
 * Q1. Reading stops as soon as the last target is answered and the window's sound is complete; a track that falls silent
 *     stops it `SLACK_MS` of the file's own time later, so that a long upload costs what a short one does.
 */
import { AV_PKT_DATA_ENCRYPTION_INFO, AVERROR_EAGAIN } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type { DecodeLimits, ExtractionPlan } from '../../core/extraction.ts';
import { AudioTrack } from './audio-track.ts';
import { PictureMaker } from './picture.ts';
import type { OpenedMedia } from './source.ts';
import { SparseDecode } from './sparse.ts';
import type { ChosenTracks } from './streams.ts';
import { toMs } from './timestamps.ts';
import { VideoTrack } from './video-track.ts';

export interface ReadingOptions {
  readonly plan: ExtractionPlan;
  readonly limits: DecodeLimits;
  readonly sparse: boolean;
  readonly planeHashes: boolean;
}

/** Files interleave their tracks within a second or two. */
const SLACK_MS = 3000;
/** Audio packets behind the window's end that are still decoded: decoders may hold one back. */
const AUDIO_OVERLAP_MS = 150;

/** The packet loop and its two tracks. */
export class Reading {
  readonly #media: OpenedMedia;
  readonly #chosen: ChosenTracks;
  readonly #options: ReadingOptions;
  readonly maker: PictureMaker | undefined;
  readonly video: VideoTrack | undefined;
  readonly audio: AudioTrack | undefined;
  readonly #sparse: SparseDecode | undefined;
  #originMs: number | undefined;
  #videoDone: boolean;
  #audioDone: boolean;
  /** Packets read from the container. */
  packets = 0;

  constructor(media: OpenedMedia, chosen: ChosenTracks, options: ReadingOptions) {
    this.#media = media;
    this.#chosen = chosen;
    this.#options = options;
    const { plan, limits } = options;
    if (chosen.video !== undefined) {
      const { stream, codec, orientation } = chosen.video;
      this.maker = new PictureMaker(plan.video, orientation, options.planeHashes);
      this.video = new VideoTrack(stream, codec, { plan: plan.video, limits, maker: this.maker });
      if (options.sparse && SparseDecode.suits(stream))
        this.#sparse = new SparseDecode(stream, plan.video.select.atMs);
    }
    if (chosen.audio !== undefined) this.audio = new AudioTrack(chosen.audio.stream, chosen.audio.codec);
    this.#videoDone = this.video === undefined;
    this.#audioDone = this.audio === undefined;
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
    if (this.#sparse !== undefined) return this.#sparse.decode(this.video);
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
    const end = Math.max(this.#options.plan.windowMs[1], ...this.#options.plan.video.select.atMs);
    return atMs === undefined || this.#originMs === undefined || atMs - this.#originMs < end + SLACK_MS;
  }

  #videoPacket(packet: Packet, { stream }: NonNullable<ChosenTracks['video']>): void {
    refuseEncrypted(packet);
    if (this.#videoDone || this.video === undefined) return;
    const last = Math.max(...this.#options.plan.video.select.atMs);
    if (this.#sparse !== undefined) {
      this.#sparse.hold(packet);
      this.#originMs = this.#sparse.originMs;
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
    const end = this.#options.plan.windowMs[1] + AUDIO_OVERLAP_MS;
    if (ptsMs !== undefined && this.#originMs !== undefined && ptsMs - this.#originMs >= end)
      this.#audioDone = true;
    else this.audio?.send(packet);
  }

  get sparse(): boolean {
    return this.#sparse !== undefined;
  }

  close(): void {
    this.#sparse?.close();
    this.video?.close();
    this.audio?.close();
    this.maker?.close();
  }
}

/** Samples under common encryption (ISO/IEC 23001-7) carry their scheme as side data; without a key they are noise. */
function refuseEncrypted(packet: Packet): void {
  if (packet.getSideData(AV_PKT_DATA_ENCRYPTION_INFO) !== null) {
    throw new FirstFiveError('MEDIA_ENCRYPTED', 'the samples are encrypted');
  }
}
