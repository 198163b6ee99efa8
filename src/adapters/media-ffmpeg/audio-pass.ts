/** Sound by ffmpeg: the native channels on the window, then their mono mix at the plan's rate. */

import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractionPlan } from '../../core/extraction.ts';
import { clampSamples, JITTER_MS, mixToMono } from '../../core/media/audio-timeline.ts';
import { type ChannelRole, channelRoles, monoCoefficients } from '../../core/media/channels.ts';
import { ffmpegArguments, fileSource } from './command.ts';
import { decodeOptions, type ProbedStream } from './ffprobe.ts';
import { AV_LAYOUT_MASKS } from './layouts.ts';
import { runTool } from './process.ts';
import { walled } from './tools.ts';
import type { PassContext } from './video-pass.ts';

export interface AudioResult {
  readonly planes: readonly Float32Array[];
  readonly nativeRate: number;
  readonly roles: readonly ChannelRole[];
  readonly mono: Float32Array;
}

const FLOAT_BYTES = 4;

/** `undefined` when the stream yields nothing in the window. `originSeconds`: t = 0; the first sample's time without it. */
export async function audioPass(
  context: PassContext,
  stream: ProbedStream,
  plan: ExtractionPlan,
  originSeconds: number | undefined,
): Promise<AudioResult | undefined> {
  const rate = stream.sample_rate ?? 0;
  const channels = stream.channels ?? 0;
  if (rate <= 0 || channels <= 0) return undefined;
  const planes = await nativePlanes(context, stream, plan, originSeconds);
  if ((planes[0]?.length ?? 0) === 0) return undefined;
  const roles = channelRoles(channels, AV_LAYOUT_MASKS[stream.channel_layout ?? ''] ?? 0n);
  const mono = await resample(
    context,
    mixToMono(planes, monoCoefficients(roles)),
    rate,
    plan.audio.sampleRate,
  );
  return { planes, nativeRate: rate, roles, mono: clampSamples(mono) };
}

/** The window's samples, one array per channel. Gaps become silence, what lies before the window is cut. */
async function nativePlanes(
  context: PassContext,
  stream: ProbedStream,
  plan: ExtractionPlan,
  originSeconds: number | undefined,
): Promise<Float32Array[]> {
  const rate = stream.sample_rate ?? 0;
  const channels = stream.channels ?? 0;
  const [startMs, endMs] = plan.windowMs;
  const frames = Math.round(((endMs - startMs) * rate) / 1000);
  const first =
    originSeconds === undefined ? '' : `:first_pts=${Math.round((originSeconds + startMs / 1000) * rate)}`;
  const align = `aresample=${rate}:async=1:min_comp=${JITTER_MS / 1000}:min_hard_comp=${JITTER_MS / 1000}${first}`;
  const wanted = frames * channels * FLOAT_BYTES;
  const run = await runTool({
    command: context.tools.ffmpeg,
    ...walled(context),
    args: ffmpegArguments(
      {
        source: fileSource(context.path),
        options: [
          '-copyts',
          '-t',
          String(context.seconds),
          ...decodeOptions(context.demuxer, context.limits),
        ],
      },
      {
        filter: { graph: `[0:${stream.index}]${align}[sound]`, map: 'sound' },
        options: ['-f', 'f32le', '-ac', String(channels), '-ar', String(rate)],
      },
      'error',
    ),
    ...{ signal: context.signal, maxMemoryBytes: context.limits.maxMemoryBytes },
    ...{ maxOutputBytes: wanted + 1024 ** 2, enoughBytes: wanted },
  });
  const planes = deinterleave(run.output.subarray(0, wanted), channels);
  if (planes.some((plane) => !plane.every(Number.isFinite))) {
    throw new FirstFiveError('VALUE_NOT_FINITE', 'the sound holds samples that are not numbers');
  }
  return planes;
}

function deinterleave(bytes: Buffer, channels: number): Float32Array[] {
  const frames = Math.floor(bytes.length / FLOAT_BYTES / channels);
  const samples = new Float32Array(new Uint8Array(bytes).buffer, 0, frames * channels);
  return Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: frames }, (_, i) => samples[i * channels + channel] ?? 0),
  );
}

/** Mono to mono by libswresample, as in media-libav. */
async function resample(
  context: PassContext,
  mono: Float32Array,
  from: number,
  to: number,
): Promise<Float32Array> {
  if (from === to) return mono;
  const wanted = Math.round((mono.length * to) / from);
  const run = await runTool({
    command: context.tools.ffmpeg,
    sandbox: context.tools.sandbox,
    args: ffmpegArguments(
      { source: 'pipe:0', options: ['-f', 'f32le', '-ac', '1', '-ar', String(from)] },
      { options: ['-f', 'f32le', '-ac', '1', '-ar', String(to)] },
      'error',
    ),
    ...{ signal: context.signal, maxMemoryBytes: context.limits.maxMemoryBytes },
    maxOutputBytes: (wanted + to) * FLOAT_BYTES,
    input: new Uint8Array(mono.buffer, mono.byteOffset, mono.byteLength),
  });
  const samples = new Float32Array(wanted);
  const got = run.output.subarray(0, wanted * FLOAT_BYTES);
  new Uint8Array(samples.buffer).set(got.subarray(0, got.length - (got.length % FLOAT_BYTES)));
  return samples;
}
