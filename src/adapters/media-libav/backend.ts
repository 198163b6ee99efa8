/** Whether this machine can decode by libav. */
import { createLibavDecoder } from './decoder.ts';

export interface MediaBackend {
  readonly name: 'libav' | 'ffmpeg';
  readonly available: boolean;
  /** The build where it is available, else the reason. */
  readonly detail: string;
}

/** For `doctor`: starts one child, which loads node-av, and ends it. */
export async function probeLibavBackend(): Promise<MediaBackend> {
  try {
    const decoder = await createLibavDecoder({ children: 1 });
    await decoder.close();
    return { name: 'libav', available: true, detail: decoder.build };
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return { name: 'libav', available: false, detail };
  }
}
