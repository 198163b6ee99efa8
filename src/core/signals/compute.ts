/** All signals of one extraction, from what the decoder holds in its hands. Pure: pictures and samples in, numbers out. */
import type { MediaProbe, Signals } from '../extraction.ts';
import { type ChannelRole, loudnessWeights } from '../media/channels.ts';
import { changeBetween } from './change.ts';
import { colourfulness } from './colour.ts';
import { samplePeak, silenceRatio } from './level.ts';
import { integratedLoudness } from './loudness.ts';
import type { LumaStats } from './luma.ts';
import { spectrumSignals } from './spectrum.ts';
import { SIGNAL_NAMES, SIGNALS, type SignalName } from './table.ts';

export interface VideoEvidence {
  /** One per distinct target frame, in time order. */
  readonly luma: readonly LumaStats[];
  /** Packed RGB pictures of the same frames, equal in size. */
  readonly pictures: readonly Uint8Array[];
}

export interface AudioEvidence {
  /** Native channels on the plan's window. */
  readonly planes: readonly Float32Array[];
  readonly nativeRate: number;
  readonly roles: readonly ChannelRole[];
  readonly mono: Float32Array;
  readonly monoRate: number;
}

type Values = Partial<Record<SignalName, number | null>>;

export function computeSignals(
  probe: MediaProbe,
  video: VideoEvidence | null,
  audio: AudioEvidence | null,
): Signals {
  const values: Values = {
    ...mediaSignals(probe),
    ...(video === null ? {} : videoSignals(probe, video)),
    ...(audio === null ? {} : audioSignals(audio)),
  };
  return Object.fromEntries(SIGNAL_NAMES.map((name) => [name, inRange(name, values[name])]));
}

function mediaSignals(probe: MediaProbe): Values {
  const seconds = probe.durationMs === null ? null : probe.durationMs / 1000;
  return {
    'media.duration': seconds,
    'media.bitRate': seconds === null || seconds <= 0 ? probe.bitRate : (probe.sizeBytes * 8) / seconds,
  };
}

function videoSignals(probe: MediaProbe, { luma, pictures }: VideoEvidence): Values {
  const { displayWidth = null, displayHeight = null, frameRate = null } = probe.video ?? {};
  const si = present(luma.map((stats) => stats.si));
  const change = changeBetween(pictures);
  return {
    'video.width': displayWidth,
    'video.height': displayHeight,
    'video.aspect': displayWidth === null || displayHeight === null ? null : displayWidth / displayHeight,
    'video.frameRate': frameRate,
    'video.brightness': mean(luma.map((stats) => stats.brightness)),
    'video.contrast': mean(luma.map((stats) => stats.contrast)),
    'video.colourfulness': mean(pictures.map(colourfulness)),
    'video.si': si.length === 0 ? null : Math.max(...si),
    'video.siMean': mean(si),
    'video.sharpness': mean(present(luma.map((stats) => stats.sharpness))),
    'video.blockiness': mean(present(luma.map((stats) => stats.blockiness))),
    'video.changeBetweenTargets': change?.change ?? null,
    'video.motionBetweenTargets': change?.motion ?? null,
    'video.cutsBetweenTargets': change?.cuts ?? null,
    'video.distinctFrames': pictures.length,
  };
}

function audioSignals({ planes, nativeRate, roles, mono, monoRate }: AudioEvidence): Values {
  const spectrum = spectrumSignals(mono, monoRate);
  return {
    'audio.loudness': integratedLoudness(planes, nativeRate, loudnessWeights(roles)),
    'audio.peak': samplePeak(planes),
    'audio.silenceRatio': silenceRatio(mono, monoRate),
    'audio.onsetRate': spectrum.onsetRate,
    'audio.speechBandShare': spectrum.speechBandShare,
    'audio.duration': mono.length / monoRate,
  };
}

/** The one door out (G1, G2): nothing that is not finite passes, and nothing outside the stated range. */
function inRange(name: SignalName, value: number | null | undefined): number | null {
  if (value === null || value === undefined || !Number.isFinite(value)) return null;
  const [low, high] = SIGNALS[name].range as readonly [number | null, number | null];
  return Math.min(high ?? value, Math.max(low ?? value, value));
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
