/** What ffprobe says of a file: streams, packet times of the first seconds, encryption. */
import { z } from 'zod';
import { FirstFiveError } from '../../core/errors.ts';
import type { DecodeLimits } from '../../core/extraction.ts';
import { fileSource } from './command.ts';
import { runTool } from './process.ts';
import { type FfmpegTools, walled } from './tools.ts';

const number = z.coerce.number();

const streamSchema = z.object({
  index: z.number(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  pix_fmt: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  sample_aspect_ratio: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_range: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  time_base: z.string().optional(),
  sample_rate: number.optional(),
  channels: z.number().optional(),
  channel_layout: z.string().optional(),
  disposition: z.record(z.string(), z.number()).optional(),
  side_data_list: z.array(z.looseObject({ displaymatrix: z.string().optional() })).optional(),
});

const probeSchema = z.object({
  streams: z.array(streamSchema).default([]),
  packets: z
    .array(
      z.object({
        stream_index: z.number(),
        pts: z.number().optional(),
        dts: z.number().optional(),
        flags: z.string().optional(),
        side_data_list: z.array(z.looseObject({ side_data_type: z.string().optional() })).optional(),
      }),
    )
    .default([]),
  format: z
    .object({ start_time: number.optional(), duration: number.optional(), bit_rate: number.optional() })
    .default({}),
});

export type ProbedStream = z.infer<typeof streamSchema>;
export type Probed = z.infer<typeof probeSchema>;

export interface ProbeRequest {
  readonly tools: FfmpegTools;
  readonly path: string;
  readonly demuxer: string;
  /** Seconds of packets to list. */
  readonly seconds: number;
  readonly limits: DecodeLimits;
  readonly signal: AbortSignal;
}

/** Options of every opening of the upload: the demuxer is forced and no protocol but `file` exists. */
export function inputOptions(demuxer: string): string[] {
  const whitelists = ['-protocol_whitelist', 'file', '-format_whitelist', whitelistName(demuxer)];
  return [...whitelists, '-f', demuxer, '-max_streams', '256'];
}

/** Those, and the pixel limit; ffprobe itself goes without, or it would not tell the size that is too large. */
export function decodeOptions(demuxer: string, limits: DecodeLimits): string[] {
  return [...inputOptions(demuxer), '-max_pixels', String(limits.maxPixels)];
}

/** libav compares the white list with a demuxer's full name. */
function whitelistName(demuxer: string): string {
  return { mov: 'mov,mp4,m4a,3gp,3g2,mj2', matroska: 'matroska,webm' }[demuxer] ?? demuxer;
}

export async function probe(request: ProbeRequest): Promise<Probed> {
  const { tools, path, demuxer, seconds, limits, signal } = request;
  const result = await runTool({
    command: tools.ffprobe,
    ...walled(request),
    args: [
      ...['-hide_banner', '-loglevel', 'error', '-threads', '1', '-max_alloc', String(limits.maxMemoryBytes)],
      ...inputOptions(demuxer),
      ...['-show_streams', '-show_format', '-show_packets', '-read_intervals', `%+${seconds}`],
      ...['-of', 'json=compact=1', '-i', fileSource(path)],
    ],
    ...{ signal, maxMemoryBytes: limits.maxMemoryBytes, maxOutputBytes: limits.maxPackets * 1024 },
  });
  const probed = probeSchema.safeParse(parseJson(result.output));
  if (!probed.success || (result.exitCode !== 0 && probed.data.streams.length === 0)) {
    throw new FirstFiveError('MEDIA_CORRUPT', 'the container cannot be opened');
  }
  if (probed.data.packets.length > limits.maxPackets) {
    throw new FirstFiveError('MEDIA_LIMIT', 'too many packets before the window ends');
  }
  return probed.data;
}

/** True when a packet of the stream carries common-encryption data. */
export function isEncrypted({ packets }: Probed, stream: number): boolean {
  return packets.some(
    ({ stream_index, side_data_list }) =>
      stream_index === stream &&
      side_data_list?.some(({ side_data_type }) => side_data_type === 'Encryption info'),
  );
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return {};
  }
}
