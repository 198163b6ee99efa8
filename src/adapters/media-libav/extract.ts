/**
 * One upload from its bytes to an extraction, inside a decode child.
 *
 * Q2. A sparse attempt that is not certain to be exact is thrown away and the file decoded again in full.
 * Q3. Sound is missing, not wrong, when its track yields nothing beside a picture; alone it must yield something.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type {
  ExtractedAudio,
  ExtractedVideo,
  ExtractionPlan,
  MediaProbe,
  Signals,
} from '../../core/extraction.ts';
import { clampSamples, layOnWindow, mixToMono } from '../../core/media/audio-timeline.ts';
import { monoCoefficients } from '../../core/media/channels.ts';
import { type AudioEvidence, computeSignals } from '../../core/signals/compute.ts';
import { resampleMono } from './audio-track.ts';
import type { Picture } from './picture.ts';
import type { DecodeFacts } from './protocol.ts';
import { Reading, type ReadingOptions } from './reading.ts';
import { type ByteSource, openMedia } from './source.ts';
import { chooseTracks } from './streams.ts';

export interface Extracted {
  readonly probe: MediaProbe;
  readonly video: ExtractedVideo | null;
  readonly audio: ExtractedAudio | null;
  readonly signals: Signals;
  readonly timings: Readonly<Record<string, number>>;
  readonly facts: DecodeFacts;
}

export async function extractMedia(source: ByteSource, options: ReadingOptions): Promise<Extracted> {
  const cpu = process.cpuUsage();
  const sparse = options.sparse ? await attempt(source, options, cpu) : undefined;
  return sparse ?? (await attempt(source, { ...options, sparse: false }, cpu)) ?? noFrames();
}

/** `undefined`: the sparse attempt was not exact (Q2). */
async function attempt(
  source: ByteSource,
  options: ReadingOptions,
  cpu: NodeJS.CpuUsage,
): Promise<Extracted | undefined> {
  const start = performance.now();
  const media = await openMedia(source, options.limits.maxPixels);
  try {
    const { probe, video, audio } = chooseTracks(media, source.sizeBytes, options.limits);
    const reading = new Reading(media, { probe, video, audio }, options);
    const opened = performance.now();
    try {
      if (!(await reading.run())) return undefined;
      return assemble(reading, options, { probe, cpu, start, opened });
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

interface Begun {
  readonly probe: MediaProbe;
  readonly cpu: NodeJS.CpuUsage;
  readonly start: number;
  readonly opened: number;
}

function assemble(reading: Reading, options: ReadingOptions, begun: Begun): Extracted {
  const { probe, cpu, start, opened } = begun;
  const decoded = performance.now();
  const { video, pictures } = pictureOf(reading, options.plan);
  const { audio, evidence } = soundOf(reading, options.plan);
  const sounded = performance.now();
  const seen =
    video === null
      ? null
      : { luma: pictures.map(({ luma }) => luma), pictures: pictures.map(({ rgb }) => rgb) };
  const signals = computeSignals(probe, seen, evidence);
  const used = process.cpuUsage(cpu);
  const { scale = 0, signals: lumaMs = 0 } = reading.maker?.timings ?? {};
  return {
    ...{ probe, video, audio, signals },
    timings: {
      open: opened - start,
      decode: decoded - opened - scale - lumaMs,
      scale,
      audio: sounded - decoded,
      signals: performance.now() - sounded + lumaMs,
      cpu: (used.user + used.system) / 1000,
    },
    facts: {
      packets: reading.packets,
      decodedFrames: reading.video?.decodedFrames ?? 0,
      sparse: reading.sparse,
      ...(options.planeHashes ? { planeHashes: pictures.map(({ hash }) => hash ?? '') } : {}),
    },
  };
}

function pictureOf(
  { video }: Reading,
  plan: ExtractionPlan,
): { readonly video: ExtractedVideo | null; readonly pictures: readonly Picture[] } {
  if (video === undefined) return { video: null, pictures: [] };
  const { targets, pictures } = video.answers();
  if (pictures.length === 0) noFrames();
  const { width, height } = plan.video;
  return { video: { width, height, targets, pixels: video.tensor() }, pictures };
}

const NO_SOUND = { audio: null, evidence: null };

/** The window's sound (Q3), and what its signals are computed from. */
function soundOf(
  { audio: track, video }: Reading,
  plan: ExtractionPlan,
): { readonly audio: ExtractedAudio | null; readonly evidence: AudioEvidence | null } {
  if (track === undefined) return NO_SOUND;
  if (track.rate === 0) {
    if (video !== undefined) return NO_SOUND;
    throw new FirstFiveError('MEDIA_CORRUPT', 'the audio stream yields no sample');
  }
  const chunks = track.chunks(video?.originMs ?? track.originMs);
  const { planes, rate } = layOnWindow(chunks, track.rate, plan.windowMs);
  if ((planes[0]?.length ?? 0) === 0) return NO_SOUND;
  const { sampleRate } = plan.audio;
  const native = mixToMono(planes, monoCoefficients(track.roles));
  const mono = clampSamples(resampleMono(native, rate, sampleRate));
  return {
    audio: { sampleRate, samples: mono },
    evidence: { planes, nativeRate: rate, roles: track.roles, mono, monoRate: sampleRate },
  };
}
