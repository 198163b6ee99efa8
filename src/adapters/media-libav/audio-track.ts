/** The upload's sound track: packets in, native-rate float channels out. */
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_SAMPLE_FMT_FLT,
  AVERROR_EAGAIN,
  type AVSampleFormat,
} from 'node-av/constants';
import {
  avGetSampleFmtName,
  type Codec,
  CodecContext,
  Frame,
  type Packet,
  SoftwareResampleContext,
  type Stream,
} from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type { AudioChunk } from '../../core/media/audio-timeline.ts';
import { type ChannelRole, channelRoles } from '../../core/media/channels.ts';
import { toMs } from './timestamps.ts';

/** Greatest number of samples, all channels together, that one upload may hold before its window is known: 256 MiB. */
const MAX_SAMPLES = 64 * 1024 ** 2;

export class AudioTrack {
  readonly #stream: Stream;
  readonly #context: CodecContext;
  readonly #frame = new Frame();
  readonly #chunks: { readonly absoluteMs: number | undefined; readonly planes: Float32Array[] }[] = [];
  #rate = 0;
  #roles: readonly ChannelRole[] = [];
  #samples = 0;

  constructor(stream: Stream, codec: Codec) {
    this.#stream = stream;
    this.#context = new CodecContext();
    this.#context.allocContext3(codec);
    this.#context.parametersToContext(stream.codecpar);
    this.#context.pktTimebase = stream.timeBase;
    this.#context.threadCount = 1;
    if (this.#context.open2Sync(codec) < 0) {
      this.#context.freeContext();
      throw new FirstFiveError('MEDIA_UNSUPPORTED', 'the audio decoder cannot be opened');
    }
    this.#frame.alloc();
  }

  /** Native sample rate, of the first frame; 0 while there was none. */
  get rate(): number {
    return this.#rate;
  }

  get roles(): readonly ChannelRole[] {
    return this.#roles;
  }

  /** Absolute time of the first sample. */
  get originMs(): number {
    return this.#chunks[0]?.absoluteMs ?? 0;
  }

  /** One packet, or `null` for the end. Damaged packets are passed over. */
  send(packet: Packet | null): void {
    if (this.#context.sendPacketSync(packet) === AVERROR_EAGAIN) {
      this.#receive();
      this.#context.sendPacketSync(packet);
    }
    this.#receive();
  }

  /** Everything decoded, times counted from `originMs`. */
  chunks(originMs: number): AudioChunk[] {
    return this.#chunks.map(({ absoluteMs, planes }) => ({
      atMs: absoluteMs === undefined ? undefined : absoluteMs - originMs,
      planes,
    }));
  }

  close(): void {
    this.#frame.free();
    this.#context.freeContext();
  }

  #receive(): void {
    while (this.#context.receiveFrameSync(this.#frame) >= 0) {
      this.#take(this.#frame);
      this.#frame.unref();
    }
  }

  /** A change of rate or channels in mid-stream is not followed: such frames become a gap. */
  #take(frame: Frame): void {
    if (frame.nbSamples <= 0 || frame.sampleRate <= 0 || frame.channels <= 0) return;
    if (this.#rate === 0) {
      this.#rate = frame.sampleRate;
      this.#roles = channelRoles(frame.channels, channelMask(frame));
    }
    if (frame.sampleRate !== this.#rate || frame.channels !== this.#roles.length) return;
    this.#samples += frame.nbSamples * frame.channels;
    if (this.#samples > MAX_SAMPLES) throw new FirstFiveError('MEDIA_LIMIT', 'too many audio samples');
    const planes = toPlanes(frame);
    if (planes !== undefined) {
      refuseNotFinite(planes);
      this.#chunks.push({ absoluteMs: toMs(frame.pts, this.#stream.timeBase), planes });
    }
  }
}

/** Float formats can hold what no sound is. A score made of a guess at it would be worse than none. */
function refuseNotFinite(planes: readonly Float32Array[]): void {
  for (const plane of planes) {
    let sum = 0;
    // Zero times NaN or an infinity is NaN; zero times anything else is zero.
    for (let i = 0; i < plane.length; i++) sum += (plane[i] as number) * 0;
    if (sum !== 0)
      throw new FirstFiveError('VALUE_NOT_FINITE', 'the sound holds samples that are not numbers');
  }
}

function channelMask(frame: Frame): bigint {
  const layout = frame.channelLayout;
  return layout.order === AV_CHANNEL_ORDER_NATIVE ? layout.mask : 0n;
}

interface SampleReader {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

const READERS: Readonly<Record<string, SampleReader>> = {
  u8: { bytes: 1, read: (view, at) => (view.getUint8(at) - 128) / 128 },
  s16: { bytes: 2, read: (view, at) => view.getInt16(at, true) / 32_768 },
  s32: { bytes: 4, read: (view, at) => view.getInt32(at, true) / 2_147_483_648 },
  s64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) / 2 ** 63 },
  flt: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  dbl: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** Copies of the channels in [-1, 1]; libav's sample formats are native-endian, little on every machine it ships for. */
function toPlanes(frame: Frame): Float32Array[] | undefined {
  const name = avGetSampleFmtName(frame.format as AVSampleFormat) ?? '';
  const planar = name.endsWith('p');
  const reader = READERS[planar ? name.slice(0, -1) : name];
  const data = frame.extendedData ?? frame.data;
  if (reader === undefined || data === null) return undefined;
  const step = reader.bytes * (planar ? 1 : frame.channels);
  return Array.from({ length: frame.channels }, (_, channel) => {
    const source = data[planar ? channel : 0];
    const plane = new Float32Array(frame.nbSamples);
    if (source === undefined) return plane;
    const start = planar ? 0 : channel * reader.bytes;
    if (name === 'fltp') {
      plane.set(new Float32Array(source.buffer, source.byteOffset, frame.nbSamples));
      return plane;
    }
    const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    for (let i = 0; i < plane.length; i++) plane[i] = reader.read(view, start + i * step);
    return plane;
  });
}

const MONO = { nbChannels: 1, order: AV_CHANNEL_ORDER_NATIVE, mask: 4n };

/** Mono to mono: no mixing matrix is involved, so libswresample cannot leave a mix unnormalised. */
export function resampleMono(mono: Float32Array, fromRate: number, toRate: number): Float32Array {
  if (fromRate === toRate || mono.length === 0) return mono;
  const resampler = new SoftwareResampleContext();
  try {
    resampler.allocSetOpts2(MONO, AV_SAMPLE_FMT_FLT, toRate, MONO, AV_SAMPLE_FMT_FLT, fromRate);
    if (resampler.init() < 0)
      throw new FirstFiveError('MEDIA_UNSUPPORTED', 'the sample rate cannot be converted');
    const wanted = Math.round((mono.length * toRate) / fromRate);
    const out = Buffer.alloc((wanted + 1024) * 4);
    const input = Buffer.from(mono.buffer, mono.byteOffset, mono.byteLength);
    let count = Math.max(0, resampler.convertSync([out], wanted + 1024, [input], mono.length));
    const rest = out.subarray(count * 4);
    if (count < wanted) count += Math.max(0, resampler.convertSync([rest], rest.byteLength / 4, null, 0));
    const samples = new Float32Array(wanted);
    samples.set(new Float32Array(out.buffer, out.byteOffset, Math.min(count, wanted)));
    return samples;
  } finally {
    resampler.free();
  }
}
