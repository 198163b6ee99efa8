/**
 * One upload from its bytes to an extraction, inside a decode child.
 *
 * Q1. Reading stops as soon as the last target is answered and the window's sound is complete; a track that falls silent
 *     stops it `SLACK_MS` of the file's own time later, so that a long upload costs what a short one does.
 * Q2. A sparse attempt that is not certain to be exact is thrown away and the file decoded again in full.
 */
import { AV_PKT_DATA_ENCRYPTION_INFO, AVERROR_EAGAIN } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type {
  DecodeLimits,
  ExtractedAudio,
  ExtractedVideo,
  ExtractionPlan,
  MediaProbe,
  Signals,
} from '../../core/extraction.ts';
import { clampSamples, layOnWindow, mixToMono } from '../../core/media/audio-timeline.ts';
import { monoCoefficients } from '../../core/media/channels.ts';
import { type AudioEvidence, computeSignals, type VideoEvidence } from '../../core/signals/compute.ts';
import { AudioTrack, resampleMono } from './audio-track.ts';
import { PictureMaker } from './picture.ts';
import type { DecodeFacts } from './protocol.ts';
import { type ByteSource, type OpenedMedia, openMedia } from './source.ts';
import { SparseDecode } from './sparse.ts';
import { type ChosenTracks, chooseTracks } from './streams.ts';
import { toMs } from './timestamps.ts';
import { VideoTrack } from './video-track.ts';

export interface ExtractOptions {
  readonly plan: ExtractionPlan;
  readonly limits: DecodeLimits;
  readonly sparse: boolean;
  readonly planeHashes: boolean;
}

export interface Extracted {
  readonly probe: MediaProbe;
  readonly video: ExtractedVideo | null;
  readonly audio: ExtractedAudio | null;
  readonly signals: Signals;
  readonly timings: Readonly<Record<string, number>>;
  readonly facts: DecodeFacts;
}

/** Files interleave their tracks within a second or two. */
const SLACK_MS = 3000;
/** Audio packets behind the window's end that are still decoded: decoders may hold one back. */
const AUDIO_OVERLAP_MS = 150;

export async function extractMedia(source: ByteSource, options: ExtractOptions): Promise<Extracted> {
  const sparse = options.sparse ? await attempt(source, options, true) : undefined;
  return sparse ?? (await attempt(source, options, false)) ?? noFrames();
}

/** `undefined`: the sparse attempt was not exact (Q2). */
async function attempt(
  source: ByteSource,
  options: ExtractOptions,
  sparse: boolean,
): Promise<Extracted | undefined> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const media = await openMedia(source);
  try {
    const chosen = chooseTracks(media, source.sizeBytes, options.limits);
    const opened = performance.now();
    const reading = new Reading(media, chosen, options, sparse);
    try {
      const exact = await reading.run();
      if (!exact) return undefined;
      return reading.result({ cpu, start, opened });
    } finally {
      reading.close();
    }
  } finally {
    await media.close();
  }
}

function noFrames(): never {
  throw new FirstFiveError('MEDIA_NO_FRAMES', 'the video stream yields no frame');
}

interface Started {
  readonly cpu: NodeJS.CpuUsage;
  readonly start: number;
  readonly opened: number;
}

/** The packet loop and its two tracks. */
class Reading {
  readonly #media: OpenedMedia;
  readonly #chosen: ChosenTracks;
  readonly #options: ExtractOptions;
  readonly #maker: PictureMaker | undefined;
  readonly #video: VideoTrack | undefined;
  readonly #audio: AudioTrack | undefined;
  readonly #sparse: SparseDecode | undefined;
  #originMs: number | undefined;
  #videoDone: boolean;
  #audioDone: boolean;
  #packets = 0;

  constructor(media: OpenedMedia, chosen: ChosenTracks, options: ExtractOptions, sparse: boolean) {
    this.#media = media;
    this.#chosen = chosen;
    this.#options = options;
    const { plan, limits } = options;
    if (chosen.video !== undefined) {
      const { stream, codec, orientation } = chosen.video;
      this.#maker = new PictureMaker(plan.video, orientation, options.planeHashes);
      this.#video = new VideoTrack(stream, codec, { plan: plan.video, limits, maker: this.#maker });
      if (sparse && SparseDecode.suits(stream))
        this.#sparse = new SparseDecode(stream, plan.video.select.atMs);
    }
    if (chosen.audio !== undefined) this.#audio = new AudioTrack(chosen.audio.stream, chosen.audio.codec);
    this.#videoDone = this.#video === undefined;
    this.#audioDone = this.#audio === undefined;
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
        if (++this.#packets > this.#options.limits.maxPackets) {
          throw new FirstFiveError('MEDIA_LIMIT', 'too many packets before the window ends');
        }
        const more = status < 0 || this.#packet(packet);
        packet.unref();
        if (!more) break;
      }
    } finally {
      packet.free();
    }
    this.#audio?.send(null);
    if (this.#video === undefined) return true;
    if (this.#sparse !== undefined) return this.#sparse.decode(this.#video);
    this.#video.finish();
    return true;
  }

  /** False when reading on is pointless (Q1). */
  #packet(packet: Packet): boolean {
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
    if (this.#videoDone || this.#video === undefined) return;
    const last = Math.max(...this.#options.plan.video.select.atMs);
    if (this.#sparse !== undefined) {
      this.#sparse.hold(packet);
      this.#originMs = this.#sparse.originMs;
      const dtsMs = toMs(packet.dts, stream.timeBase);
      this.#videoDone = dtsMs !== undefined && this.#originMs !== undefined && dtsMs > this.#originMs + last;
      return;
    }
    this.#video.send(packet);
    this.#originMs = this.#video.originMs ?? this.#originMs ?? toMs(packet.pts, stream.timeBase);
    this.#videoDone = this.#video.done;
  }

  #audioPacket(packet: Packet, { stream }: NonNullable<ChosenTracks['audio']>): void {
    refuseEncrypted(packet);
    if (this.#audioDone) return;
    const ptsMs = toMs(packet.pts, stream.timeBase);
    if (this.#video === undefined) this.#originMs ??= ptsMs;
    const end = this.#options.plan.windowMs[1] + AUDIO_OVERLAP_MS;
    if (ptsMs !== undefined && this.#originMs !== undefined && ptsMs - this.#originMs >= end)
      this.#audioDone = true;
    else this.#audio?.send(packet);
  }

  result({ cpu, start, opened }: Started): Extracted {
    const decoded = performance.now();
    const { video, pictures } = this.#pictures();
    const { audio, evidence } = this.#sound();
    const resampled = performance.now();
    const { probe } = this.#chosen;
    const seen: VideoEvidence | null =
      video === null
        ? null
        : { luma: pictures.map(({ luma }) => luma), pictures: pictures.map(({ rgb }) => rgb) };
    const signals = computeSignals(probe, seen, evidence);
    const used = process.cpuUsage(cpu);
    const { scale = 0, signals: lumaMs = 0 } = this.#maker?.timings ?? {};
    return {
      ...{ probe, video, audio, signals },
      timings: {
        open: opened - start,
        decode: decoded - opened - scale - lumaMs,
        scale,
        audio: resampled - decoded,
        signals: performance.now() - resampled + lumaMs,
        cpu: (used.user + used.system) / 1000,
      },
      facts: {
        packets: this.#packets,
        decodedFrames: this.#video?.decodedFrames ?? 0,
        sparse: this.#sparse !== undefined,
        ...(this.#options.planeHashes ? { planeHashes: pictures.map(({ hash }) => hash ?? '') } : {}),
      },
    };
  }

  close(): void {
    this.#sparse?.close();
    this.#video?.close();
    this.#audio?.close();
    this.#maker?.close();
  }

  #pictures() {
    if (this.#video === undefined) return { video: null, pictures: [] };
    const { targets, pictures } = this.#video.answers();
    if (pictures.length === 0) noFrames();
    const { width, height } = this.#options.plan.video;
    return { video: { width, height, targets, pixels: this.#video.tensor() }, pictures };
  }

  /** Sound is missing, not wrong, when its track yields nothing beside a picture; alone it must yield something. */
  #sound(): { readonly audio: ExtractedAudio | null; readonly evidence: AudioEvidence | null } {
    const { plan } = this.#options;
    const track = this.#audio;
    if (track === undefined) return { audio: null, evidence: null };
    if (track.rate === 0) {
      if (this.#video === undefined)
        throw new FirstFiveError('MEDIA_CORRUPT', 'the audio stream yields no sample');
      return { audio: null, evidence: null };
    }
    const origin = this.#video?.originMs ?? track.originMs;
    const { planes, rate } = layOnWindow(track.chunks(origin), track.rate, plan.windowMs);
    if ((planes[0]?.length ?? 0) === 0) return { audio: null, evidence: null };
    const native = mixToMono(planes, monoCoefficients(track.roles));
    const mono = clampSamples(resampleMono(native, rate, plan.audio.sampleRate));
    return {
      audio: { sampleRate: plan.audio.sampleRate, samples: mono },
      evidence: { planes, nativeRate: rate, roles: track.roles, mono, monoRate: plan.audio.sampleRate },
    };
  }
}

/** Samples under common encryption (ISO/IEC 23001-7) carry their scheme as side data; without a key they are noise. */
function refuseEncrypted(packet: Packet): void {
  if (packet.getSideData(AV_PKT_DATA_ENCRYPTION_INFO) !== null) {
    throw new FirstFiveError('MEDIA_ENCRYPTED', 'the samples are encrypted');
  }
}
