/** Whether this machine can decode by the ffmpeg command. */
import { findTools, type ToolOptions } from './tools.ts';

export interface MediaBackend {
  readonly name: 'libav' | 'ffmpeg';
  readonly available: boolean;
  /** Version and path where it is available, else the reason. */
  readonly detail: string;
}

/** For `doctor`: looks for both commands and asks for the version. */
export async function probeFfmpegBackend(options: ToolOptions = {}): Promise<MediaBackend> {
  try {
    const { ffmpeg, version } = await findTools(options);
    return { name: 'ffmpeg', available: true, detail: `${version} at ${ffmpeg}` };
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return { name: 'ffmpeg', available: false, detail };
  }
}
