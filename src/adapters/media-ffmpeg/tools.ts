/** Where ffmpeg and ffprobe are, and which version. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import { runTool } from './process.ts';

export interface FfmpegTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly version: string;
}

export interface ToolOptions {
  /** Path of the commands, or a name to look for in `searchPath`; default `ffmpeg` and `ffprobe`. */
  readonly ffmpeg?: string;
  readonly ffprobe?: string;
  /** In the form of the environment's PATH. */
  readonly searchPath?: string;
}

const DEFAULT_SEARCH_PATH = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin'].join(delimiter);

/** Fails with `DECODER_UNAVAILABLE` when a command is missing or does not answer. */
export async function findTools(options: ToolOptions = {}): Promise<FfmpegTools> {
  const searchPath = options.searchPath ?? DEFAULT_SEARCH_PATH;
  const ffmpeg = locate(options.ffmpeg ?? 'ffmpeg', searchPath);
  const ffprobe = locate(options.ffprobe ?? 'ffprobe', searchPath);
  if (ffmpeg === undefined || ffprobe === undefined) {
    const missing = ffmpeg === undefined ? 'ffmpeg' : 'ffprobe';
    throw new FirstFiveError(
      'DECODER_UNAVAILABLE',
      `${missing} is not installed (Debian: apt install ffmpeg)`,
    );
  }
  const { output } = await runTool({
    ...{ command: ffmpeg, args: ['-version'], signal: AbortSignal.timeout(10_000) },
    ...{ maxMemoryBytes: 1024 ** 3, maxOutputBytes: 1024 ** 2 },
  });
  const version = /^ffmpeg version (\S+)/.exec(output.toString('utf8'))?.[1];
  if (version === undefined)
    throw new FirstFiveError('DECODER_UNAVAILABLE', 'ffmpeg does not state its version');
  return { ffmpeg, ffprobe, version };
}

function locate(name: string, searchPath: string): string | undefined {
  const candidates = isAbsolute(name)
    ? [name]
    : searchPath.split(delimiter).map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
