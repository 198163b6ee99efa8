/**
 * The sound of one window, from the chunks of the track to the samples that a plan or a view wants.
 *
 * Q3. Sound is missing, not wrong, when its track yields nothing beside a picture; alone it must yield something.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractedAudio } from '../../core/extraction.ts';
import { type AudioWindow, clampSamples, layOnWindow, mixToMono } from '../../core/media/audio-timeline.ts';
import { monoCoefficients } from '../../core/media/channels.ts';
import { quantised, type SoundView, stretched } from '../../core/plan/sound-view.ts';
import type { SoundAsk } from '../../core/plan/union.ts';
import { fftResample } from '../../core/resample/fft-resample.ts';
import type { AudioEvidence } from '../../core/signals/compute.ts';
import { resampleMono } from './audio-track.ts';
import type { Reading } from './reading.ts';

export interface Sound {
  readonly audio: ExtractedAudio;
  /** What the signals are computed from; of opening sounds only. */
  readonly evidence: AudioEvidence | null;
}

/** In the order of the union's sounds; `undefined` where there is none. */
export function soundsOf({ audio: track, video }: Reading, asks: readonly SoundAsk[]): (Sound | undefined)[] {
  if (track === undefined) return asks.map(() => undefined);
  if (track.rate === 0) {
    if (video !== undefined) return asks.map(() => undefined);
    throw new FirstFiveError('MEDIA_CORRUPT', 'the audio stream yields no sample');
  }
  const chunks = track.chunks(video?.originMs ?? track.originMs);
  return asks.map((ask) => {
    const laid = layOnWindow(chunks, track.rate, ask.windowMs);
    if ((laid.planes[0]?.length ?? 0) === 0) return undefined;
    const native = mixToMono(laid.planes, monoCoefficients(track.roles));
    if (ask.kind === 'view') return { audio: viewed(native, laid, ask.view), evidence: null };
    const { sampleRate } = ask.audio;
    const mono = clampSamples(resampleMono(native, laid.rate, sampleRate));
    const { planes, rate } = laid;
    return {
      audio: { sampleRate, samples: mono },
      evidence: { planes, nativeRate: rate, roles: track.roles, mono, monoRate: sampleRate },
    };
  });
}

function viewed(native: Float32Array, { rate }: AudioWindow, view: SoundView): ExtractedAudio {
  const { sampleRate, resampler, scale } = view;
  const samples =
    resampler === 'fft'
      ? fftResample(quantised(native.slice(), scale), Math.round((native.length * sampleRate) / rate))
      : quantised(clampSamples(resampleMono(native.slice(), rate, sampleRate)), scale);
  return { sampleRate, samples: stretched(samples, view) };
}
