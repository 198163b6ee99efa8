/**
 * Pictures by one run of ffmpeg: the frames that answer the targets, each as one grey sheet.
 *
 * Y1. ffmpeg writes one pipe, so a sheet carries everything: the luma plane at its own size on top, then the red, green
 *     and blue planes of the scaled picture, all padded to one width.
 * Y2. Frames are selected by their timestamps, which the packets tell; when the decoder's frames turn out to be others,
 *     they are listed by a decode without output, and selected again.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { DecodeLimits, FrameTarget, VideoPlan } from '../../core/extraction.ts';
import { isHighDefinition, orientRgb, sizeBeforeTurn } from '../../core/media/display.ts';
import { type HdrTransfer, toneMapped } from '../../core/media/hdr.ts';
import { answerIndex } from '../../core/media/targets.ts';
import { type LumaStats, lumaStats } from '../../core/signals/luma.ts';
import { type FfmpegInput, ffmpegArguments, fileSource } from './command.ts';
import { decodeOptions, type Probed } from './ffprobe.ts';
import { runTool } from './process.ts';
import { type FfmpegTools, walled } from './tools.ts';
import { quotient, type Tracks } from './tracks.ts';

export interface PassContext {
  readonly tools: FfmpegTools;
  readonly path: string;
  readonly demuxer: string;
  readonly limits: DecodeLimits;
  readonly signal: AbortSignal;
  /** Seconds of input that may be read at most. */
  readonly seconds: number;
}

export interface SheetPicture {
  readonly rgb: Uint8Array;
  readonly luma: LumaStats;
}

export interface VideoResult {
  readonly targets: readonly FrameTarget[];
  /** Distinct pictures in time order. */
  readonly pictures: readonly SheetPicture[];
  /** Index into `pictures` per target. */
  readonly answers: readonly number[];
  /** Absolute time of t = 0, seconds. */
  readonly originSeconds: number;
}

type VideoTrack = NonNullable<Tracks['video']>;

export async function videoPass(
  context: PassContext,
  track: VideoTrack,
  probed: Probed,
  plan: VideoPlan,
): Promise<VideoResult> {
  const listed = packetTimes(probed, track.index);
  const first =
    listed.length === 0 ? undefined : await select(context, track, answering(listed, track, plan), plan);
  if (first?.complete) return result(first, track, plan, listed);
  const decoded = await decodedTimes(context, track);
  if (decoded.length === 0) throw noFrames();
  const second = await select(context, track, answering(decoded, track, plan), plan);
  if (second.times.length === 0) throw noFrames();
  return result(second, track, plan, second.complete ? decoded : second.times);
}

function noFrames(): FirstFiveError {
  return new FirstFiveError('MEDIA_NO_FRAMES', 'the video stream yields no frame');
}

/** Presentation times of the packets to be shown, in the stream's time base, ascending; empty where they are unusable. */
function packetTimes({ packets }: Probed, stream: number): number[] {
  const shown = packets.filter(({ stream_index, flags }) => stream_index === stream && !flags?.includes('D'));
  const times = shown.map(({ pts }) => pts);
  if (times.some((pts) => pts === undefined)) return [];
  return (times as number[]).sort((a, b) => a - b).filter((pts, index, all) => pts !== all[index - 1]);
}

/** The times, of those given, that answer the plan's targets. */
function answering(times: readonly number[], track: VideoTrack, plan: VideoPlan): number[] {
  const ms = inMs(times, track);
  const indices = new Set([0, ...plan.select.atMs.map((at) => answerIndex(ms, at))]);
  return [...indices].sort((a, b) => a - b).flatMap((index) => times[index] ?? []);
}

function inMs(times: readonly number[], track: VideoTrack): number[] {
  const [numerator = 1, denominator = 1] = (track.time_base ?? '').split('/').map(Number);
  return times.map((time) => ((time - (times[0] ?? 0)) * numerator * 1000) / denominator);
}

interface Selected {
  readonly times: readonly number[];
  readonly sheets: readonly Uint8Array[];
  /** True when exactly the frames asked for came. */
  readonly complete: boolean;
}

async function select(
  context: PassContext,
  track: VideoTrack,
  times: readonly number[],
  plan: VideoPlan,
): Promise<Selected> {
  const sheet = sheetLayout(track, plan);
  const wanted = times.map((time) => `eq(pts,${time})`).join('+');
  const graph = `[0:${track.index}]select='${wanted}',showinfo=checksum=0,${sheetGraph(track, plan)}`;
  const run = await runTool({
    command: context.tools.ffmpeg,
    ...walled(context),
    args: ffmpegArguments(
      source(context),
      {
        filter: { graph, map: 'sheet' },
        options: ['-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'gray'],
      },
      'info',
    ),
    ...{ signal: context.signal, maxMemoryBytes: context.limits.maxMemoryBytes },
    ...{ maxOutputBytes: sheet.bytes * (times.length + 1), enoughBytes: sheet.bytes * times.length },
  });
  const count = Math.min(times.length, Math.floor(run.output.length / sheet.bytes));
  const shown = shownTimes(run.diagnostics).slice(0, count);
  return {
    times: shown,
    sheets: shown.map((_, index) => run.output.subarray(index * sheet.bytes, (index + 1) * sheet.bytes)),
    complete: shown.length === times.length && shown.every((time, index) => time === times[index]),
  };
}

/** Times of all frames that the decoder yields, ascending, each once. */
async function decodedTimes(context: PassContext, track: VideoTrack): Promise<number[]> {
  const run = await runTool({
    command: context.tools.ffmpeg,
    ...walled(context),
    args: ffmpegArguments(
      source(context),
      {
        filter: { graph: `[0:${track.index}]showinfo=checksum=0,scale=16:16[list]`, map: 'list' },
        options: ['-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'gray'],
      },
      'info',
    ),
    ...{ signal: context.signal, maxMemoryBytes: context.limits.maxMemoryBytes },
    maxOutputBytes: 256 * context.limits.maxDecodedFrames,
    diagnosticsBytes: 1024 * context.limits.maxDecodedFrames,
  });
  let last = Number.NEGATIVE_INFINITY;
  return shownTimes(run.diagnostics).filter((time) => {
    const later = time > last;
    if (later) last = time;
    return later;
  });
}

function source({ path, demuxer, limits, seconds }: PassContext): FfmpegInput {
  const options = ['-copyts', '-noautorotate', '-t', String(seconds), ...decodeOptions(demuxer, limits)];
  return { source: fileSource(path), options };
}

/** `showinfo` prints one line a frame; lines of the decoder may stand between them. */
function shownTimes(diagnostics: string): number[] {
  return [...diagnostics.matchAll(/showinfo.*\bn: *\d+ pts: *(-?\d+)/g)].map((match) => Number(match[1]));
}

/** Widths and heights of the sheet's parts. */
function sheetLayout(track: VideoTrack, plan: VideoPlan) {
  const scaled = sizeBeforeTurn(plan, track.orientation);
  const native = { width: track.width ?? 0, height: track.height ?? 0 };
  const width = Math.max(scaled.width, native.width);
  return { scaled, native, width, bytes: width * (native.height + 3 * scaled.height) };
}

function sheetGraph(track: VideoTrack, plan: VideoPlan): string {
  const { scaled, native, width } = sheetLayout(track, plan);
  const flags = `flags=${plan.interpolation}+accurate_rnd+full_chroma_int`;
  const pad = (height: number) => `pad=${width}:${height}:0:0`;
  const planes = ['r', 'g', 'b'].map((plane) => `[${plane}]${pad(scaled.height)}[${plane}p]`).join(';');
  const luma = 'yuv420p|yuv422p|yuv444p|yuv440p|yuv410p|yuv411p|yuvj420p|yuvj422p|yuvj444p|yuvj440p';
  return [
    'split=2[a][b]',
    `[a]scale=${scaled.width}:${scaled.height}:${flags}${matrixOption(track)},format=gbrp,extractplanes=r+g+b[r][g][b]`,
    planes,
    `[b]scale=${native.width}:${native.height},format=${luma},extractplanes=y,format=gray,${pad(native.height)}[y]`,
    '[y][rp][gp][bp]vstack=inputs=4[sheet]',
  ].join(';');
}

/** The same rule as in media-libav: the stream's tag, else what its size suggests. */
function matrixOption({ color_space: tag = 'unknown', width = 0, height = 0 }: VideoTrack): string {
  const tagged: Readonly<Record<string, string>> = {
    bt709: 'bt709',
    fcc: 'fcc',
    smpte240m: 'smpte240m',
    bt2020nc: 'bt2020',
    bt2020c: 'bt2020',
    bt470bg: 'bt601',
    smpte170m: 'bt601',
  };
  if (tag === 'gbr') return '';
  return `:in_color_matrix=${tagged[tag] ?? (isHighDefinition({ width, height }) ? 'bt709' : 'bt601')}`;
}

function result(
  selected: Selected,
  track: VideoTrack,
  plan: VideoPlan,
  times: readonly number[],
): VideoResult {
  const ms = inMs(selected.times, track);
  const answers = plan.select.atMs.map((at) => answerIndex(ms, at));
  const used = [...new Set(answers)].sort((a, b) => a - b);
  const origin = times[0] ?? 0;
  return {
    targets: answers.map((answer, index) => ({
      atMs: plan.select.atMs[index] ?? 0,
      ptsMs: ms[answer] ?? 0,
      repeated: answers.indexOf(answer) < index,
    })),
    pictures: used.map((answer) => pictureOf(selected.sheets[answer] ?? new Uint8Array(), track, plan)),
    answers: answers.map((answer) => used.indexOf(answer)),
    originSeconds: origin * (quotient(track.time_base) ?? 1),
  };
}

/** Eight bits of PQ or HLG are what the sheet holds: coarser than in media-libav. */
const HDR_TRANSFERS: Readonly<Record<string, HdrTransfer>> = { smpte2084: 'pq', 'arib-std-b67': 'hlg' };

function pictureOf(sheet: Uint8Array, track: VideoTrack, plan: VideoPlan): SheetPicture {
  const { scaled, native, width } = sheetLayout(track, plan);
  const packed = new Uint8Array(scaled.width * scaled.height * 3);
  for (let plane = 0; plane < 3; plane++) {
    for (let y = 0; y < scaled.height; y++) {
      const row = (native.height + plane * scaled.height + y) * width;
      for (let x = 0; x < scaled.width; x++) packed[(y * scaled.width + x) * 3 + plane] = sheet[row + x] ?? 0;
    }
  }
  const rgb = new Uint8Array(packed.length);
  const hdr = HDR_TRANSFERS[track.color_transfer ?? ''];
  orientRgb(hdr === undefined ? packed : toneMapped(packed, hdr), scaled, track.orientation, rgb);
  // Formats that are not planar YUV become YUV of the limited range on their way to the sheet.
  const format = track.pix_fmt ?? '';
  const fullRange = format.startsWith('yuvj') || (track.color_range === 'pc' && format.startsWith('yuv'));
  const data = new Uint8Array(sheet.buffer, sheet.byteOffset, width * native.height);
  return { rgb, luma: lumaStats({ data, ...native, stride: width, fullRange }) };
}
