/**
 * The decoder on the ffmpeg command, for machines where node-av is absent: ffprobe, then one run for pictures and two for
 * sound. Slower than media-libav; the same plan, limits, error codes and signals.
 *
 * Z1. Pictures and sound are separate runs because fluent-ffmpeg's commands have one output pipe.
 * Z2. Signals are computed in this process, on the decoder's output; media-libav does it in its children.
 */
import { availableParallelism } from 'node:os';
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction } from '../../core/extraction.ts';
import {
  type Container,
  claimedPixels,
  id3v2Length,
  SNIFF_BYTES,
  sniffContainer,
} from '../../core/media/sniff.ts';
import { computeSignals } from '../../core/signals/compute.ts';
import type { DecodeRequest, Decoder } from '../../stages/extract/decoder.ts';
import { type AudioResult, audioPass } from './audio-pass.ts';
import { isEncrypted, probe } from './ffprobe.ts';
import { Gate } from './gate.ts';
import { localCopy } from './local-copy.ts';
import { type FfmpegTools, findTools, type ToolOptions } from './tools.ts';
import { type Tracks, tracksOf } from './tracks.ts';
import { type PassContext, type VideoResult, videoPass } from './video-pass.ts';

export interface FfmpegDecoderOptions extends ToolOptions {
  /** Uploads decoded side by side; default: the processors that this process may use, at most 8. */
  readonly children?: number;
}

/** Seconds read beyond the window: late frames, reordering and start times that differ between tracks. */
const SPARE_SECONDS = 3;

/** Fails with `DECODER_UNAVAILABLE` where ffmpeg or ffprobe is missing. */
export async function createFfmpegDecoder(options: FfmpegDecoderOptions = {}): Promise<Decoder> {
  const tools = await findTools(options);
  const gate = new Gate(options.children ?? Math.min(8, availableParallelism()));
  const closing = new AbortController();
  return {
    build: `ffmpeg/${tools.version} ${process.platform}-${process.arch}`,
    async extract(request, signal) {
      refuseBySize(request);
      refuseByPlan(request);
      const release = await gate.enter(signal, closing.signal);
      const deadline = AbortSignal.timeout(request.limits.deadlineMs);
      const signals = [deadline, closing.signal, ...(signal === undefined ? [] : [signal])];
      try {
        return await extract(tools, request, AbortSignal.any(signals));
      } catch (thrown) {
        if (closing.signal.aborted) throw closed();
        if (deadline.aborted && signal?.aborted !== true) {
          throw new FirstFiveError('DECODE_TIMEOUT', `not decoded within ${request.limits.deadlineMs} ms`);
        }
        throw thrown;
      } finally {
        release();
      }
    },
    async close() {
      closing.abort(closed());
      await gate.empty();
    },
  };
}

function closed(): FirstFiveError {
  return new FirstFiveError('DECODER_UNAVAILABLE', 'the decoder is closed');
}

function refuseBySize({ object, limits }: DecodeRequest): void {
  if (object.sizeBytes === 0) throw new FirstFiveError('MEDIA_EMPTY', 'the object has no bytes');
  if (object.sizeBytes > limits.maxInputBytes) {
    throw new FirstFiveError('MEDIA_TOO_LARGE', `more than ${limits.maxInputBytes} bytes`);
  }
}

/** About the bundle, not about the upload: intake stops until it runs where its plan can be served. */
function refuseByPlan({ plan }: DecodeRequest): void {
  const { video, views = {}, sounds = {} } = plan;
  const ownScaler = video.interpolation === 'bicubic' || video.interpolation === 'bilinear';
  if (ownScaler && Object.keys(views).length + Object.keys(sounds).length === 0) return;
  throw new FirstFiveError(
    'DECODER_UNAVAILABLE',
    "the bundle's plan has views, sounds or an interpolation that only media-libav serves: install node-av",
  );
}

async function extract(tools: FfmpegTools, request: DecodeRequest, signal: AbortSignal): Promise<Extraction> {
  const { object, plan, limits } = request;
  const start = performance.now();
  const container = await sniff(request, signal);
  const copy = await localCopy(object, signal);
  try {
    const seconds = Math.max(plan.windowMs[1], ...plan.video.select.atMs) / 1000 + SPARE_SECONDS;
    const context: PassContext = {
      tools,
      path: copy.path,
      demuxer: container.demuxer,
      limits,
      signal,
      seconds,
    };
    const probed = await probe(context);
    const tracks = tracksOf(probed, container, object.sizeBytes, limits);
    for (const track of [tracks.video, tracks.audio]) {
      if (track !== undefined && isEncrypted(probed, track.index)) {
        throw new FirstFiveError('MEDIA_ENCRYPTED', 'the samples are encrypted');
      }
    }
    const opened = performance.now();
    const video =
      tracks.video === undefined ? undefined : await videoPass(context, tracks.video, probed, plan.video);
    const seen = performance.now();
    const audio =
      tracks.audio === undefined
        ? undefined
        : await audioPass(context, tracks.audio, plan, video?.originSeconds);
    await copy.verify();
    const heard = performance.now();
    const extraction = assemble(request, tracks, video, audio);
    const signalsMs = performance.now() - heard;
    const timings = { open: opened - start, decode: seen - opened, audio: heard - seen, signals: signalsMs };
    return { ...extraction, timings };
  } finally {
    await copy.remove();
  }
}

async function sniff({ object, limits }: DecodeRequest, signal: AbortSignal): Promise<Container> {
  const head = await object.read(0, SNIFF_BYTES, signal);
  if ((claimedPixels(head) ?? 0) > limits.maxPixels) {
    throw new FirstFiveError('MEDIA_LIMIT', 'the picture claims more pixels than allowed');
  }
  const tag = id3v2Length(head);
  const sniffed = sniffContainer(head, tag > 0 ? await object.read(tag, SNIFF_BYTES, signal) : undefined);
  if (sniffed.kind === 'container') return sniffed;
  if (sniffed.kind === 'references') {
    throw new FirstFiveError('MEDIA_REFERENCES', `the file only refers to others (${sniffed.what})`);
  }
  throw new FirstFiveError('MEDIA_UNSUPPORTED', `not a supported container (${sniffed.what})`);
}

function assemble(
  { plan }: DecodeRequest,
  { video: track, probe: facts }: Tracks,
  video: VideoResult | undefined,
  audio: AudioResult | undefined,
): Omit<Extraction, 'timings'> {
  if (track === undefined && audio === undefined) {
    throw new FirstFiveError('MEDIA_CORRUPT', 'the audio stream yields no sample');
  }
  const { sampleRate } = plan.audio;
  const seen =
    video === undefined
      ? null
      : { luma: video.pictures.map(({ luma }) => luma), pictures: video.pictures.map(({ rgb }) => rgb) };
  const heard = audio === undefined ? null : { ...audio, monoRate: sampleRate };
  return {
    probe: facts,
    video:
      video === undefined ? null : { ...sizeOf(plan), targets: video.targets, pixels: tensor(video, plan) },
    audio: audio === undefined ? null : { sampleRate, samples: audio.mono },
    signals: computeSignals(facts, seen, heard),
  };
}

function sizeOf({ video: { width, height } }: DecodeRequest['plan']) {
  return { width, height };
}

function tensor({ pictures, answers }: VideoResult, { video }: DecodeRequest['plan']): Uint8Array {
  const size = video.width * video.height * 3;
  const pixels = new Uint8Array(answers.length * size);
  answers.forEach((answer, index) => {
    const picture = pictures[answer];
    if (picture !== undefined) pixels.set(picture.rgb, index * size);
  });
  return pixels;
}
