/**
 * Argument lists for ffmpeg, built by fluent-ffmpeg.
 *
 * Only its builder is used. Its runner hands the whole environment to ffmpeg, ends it by SIGTERM and asks for encoders and
 * formats in two more processes; the package is archived upstream. This file is the one place to change when it goes.
 */
import fluentFfmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';

export interface FfmpegInput {
  /** A path, or `pipe:0`. */
  readonly source: string;
  readonly options: readonly string[];
}

export interface FfmpegOutput {
  readonly filter?: { readonly graph: string; readonly map: string };
  readonly options: readonly string[];
}

/** Every run: no questions, no banner, one thread, no output but errors. */
const QUIET = [
  '-nostdin',
  '-hide_banner',
  '-nostats',
  '-threads',
  '1',
  '-filter_threads',
  '1',
  '-filter_complex_threads',
  '1',
];

/** Arguments of one pass from one input to standard output. */
export function ffmpegArguments(
  input: FfmpegInput,
  output: FfmpegOutput,
  logLevel: 'error' | 'info',
): string[] {
  const command = fluentFfmpeg()
    .input(input.source)
    .inputOptions([...QUIET, '-loglevel', logLevel, ...input.options])
    .output('pipe:1')
    .outputOptions([...output.options]);
  if (output.filter !== undefined) command.complexFilter(output.filter.graph, output.filter.map);
  return argumentsOf(command);
}

/** The name under which ffmpeg opens a local file and nothing else: without the scheme, `concat:a|b` would be a request. */
export function fileSource(path: string): string {
  return `file:${path}`;
}

/** `_getArguments` is how fluent-ffmpeg's own runner reads the command; it has no public name. */
function argumentsOf(command: FfmpegCommand): string[] {
  const { _getArguments: read } = command as FfmpegCommand & { readonly _getArguments?: () => string[] };
  if (read === undefined) throw new TypeError('this fluent-ffmpeg has another builder');
  return read.call(command).map(String);
}
