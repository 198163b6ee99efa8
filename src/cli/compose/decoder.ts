/** The decoder that the options ask for, behind the sandbox that the machine offers, with its journal of deaths. */
import { openAttemptJournal } from '../../adapters/attempt-journal/journal-file.ts';
import { journaledDecoder } from '../../adapters/attempt-journal/journaled-decoder.ts';
import { openSandbox } from '../../adapters/process-sandbox/sandbox.ts';
import type { DecoderChoice, RunOptions, SandboxChoice } from '../../config/options.ts';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import type { Decoder } from '../../stages/extract/decoder.ts';
import type { Sandbox } from '../../stages/extract/sandbox.ts';

export interface DecoderSettings {
  readonly choice: DecoderChoice;
  readonly children: number;
  readonly sandbox: SandboxChoice;
  /** Folders whose files decoder processes may open themselves; others reach them through this process. */
  readonly readable: readonly string[];
  /** Where deaths of decoder processes are kept; absent: nowhere. */
  readonly journalPath?: string;
  /** What is worse than it could be: one sentence each. */
  readonly notice?: (sentence: string) => void;
}

/** `auto` takes node-av where it can be loaded, else the ffmpeg command; a choice by name is never replaced. */
export async function openDecoder(settings: DecoderSettings): Promise<Decoder> {
  const { journalPath, notice } = settings;
  const decoder = await openWalled(settings, await openSandbox(settings.sandbox));
  if (journalPath === undefined) return decoder;
  const onProblem = (thrown: unknown) =>
    notice?.(`crashed decodes are not remembered: ${toFirstFiveError(thrown).message}`);
  return journaledDecoder(decoder, await openAttemptJournal(journalPath, { now: Date.now, onProblem }));
}

/** A wall that works for other programs and not for the decoder is worse than none: the service would not start. */
async function openWalled(settings: DecoderSettings, sandbox: Sandbox): Promise<Decoder> {
  const without = (why: string) => settings.notice?.(`decoders run without a sandbox: ${why}`);
  if (sandbox.kind === 'none') {
    if (settings.sandbox === 'auto') without(sandbox.detail);
    return openPlain(settings, sandbox);
  }
  try {
    return await openPlain(settings, sandbox);
  } catch (thrown) {
    const { code, message } = toFirstFiveError(thrown);
    if (code !== 'DECODER_UNAVAILABLE') throw thrown;
    const decoder = await openPlain(settings, await openSandbox('off'));
    without(`${sandbox.kind}: ${message}`);
    return decoder;
  }
}

async function openPlain(
  { choice, children, readable }: DecoderSettings,
  sandbox: Sandbox,
): Promise<Decoder> {
  if (choice === 'ffmpeg') return openFfmpeg(children, sandbox);
  const { createLibavDecoder } = await import('../../adapters/media-libav/decoder.ts');
  try {
    return await createLibavDecoder({ children, sandbox, readable });
  } catch (thrown) {
    const { code, message } = toFirstFiveError(thrown);
    if (choice === 'libav' || code !== 'DECODER_UNAVAILABLE') throw thrown;
    return openFfmpeg(children, sandbox).catch((ffmpeg: unknown) => {
      throw new FirstFiveError('DECODER_UNAVAILABLE', `${message}; ${toFirstFiveError(ffmpeg).message}`);
    });
  }
}

async function openFfmpeg(children: number, sandbox: Sandbox): Promise<Decoder> {
  const { createFfmpegDecoder } = await import('../../adapters/media-ffmpeg/decoder.ts');
  return createFfmpegDecoder({ children, sandbox });
}

/** Folders that hold uploads by the options: the store's, where it is one, and the media roots. */
export function mediaFolders({
  store,
  mediaRoots,
}: Pick<RunOptions, 'store' | 'mediaRoots'>): readonly string[] {
  return [...(store.kind === 'folder' ? [store.path] : []), ...mediaRoots];
}
