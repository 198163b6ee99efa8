/** Where ffmpeg and ffprobe are, and which version. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import { NO_SANDBOX, type Sandbox } from '../../stages/extract/sandbox.ts';
import { runTool } from './process.ts';

export interface FfmpegTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly version: string;
  /** The wall that every run on an upload is behind. */
  readonly sandbox: Sandbox;
}

/** Of a run on one upload: it may read that file. */
export function walled({ tools, path }: { readonly tools: FfmpegTools; readonly path: string }) {
  return { sandbox: tools.sandbox, readable: [path] };
}

export interface ToolOptions {
  /** Path of the commands, or a name to look for in `searchPath`; default `ffmpeg` and `ffprobe`. */
  readonly ffmpeg?: string;
  readonly ffprobe?: string;
  /** In the form of the environment's PATH. */
  readonly searchPath?: string;
  /** Default: none. */
  readonly sandbox?: Sandbox;
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
  const sandbox = options.sandbox ?? NO_SANDBOX;
  const { output } = await runTool({
    ...{ sandbox, command: ffmpeg, args: ['-version'], signal: AbortSignal.timeout(10_000) },
    ...{ maxMemoryBytes: 1024 ** 3, maxOutputBytes: 1024 ** 2 },
  });
  const version = /^ffmpeg version (\S+)/.exec(output.toString('utf8'))?.[1];
  if (version === undefined)
    throw new FirstFiveError('DECODER_UNAVAILABLE', 'ffmpeg does not state its version');
  return { ffmpeg, ffprobe, version, sandbox };
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
