/**
 * Entry point of a decode child. Loads libav once, then decodes one upload at a time until its input pipe ends.
 *
 * C1. Commands come in on standard input, answers go out on `ANSWER_FD`; whatever native code prints goes to its own pipe.
 * C2. Nothing of the parent's environment is here, and nothing outlives the parent (watchdog.ts, end of input).
 */
import { writeSync } from 'node:fs';
import { AV_LOG_FATAL } from 'node-av/constants';
import { getFFmpegInfo, Log } from 'node-av/lib';
import { toFirstFiveError } from '../../core/errors.ts';
import { libavBuild } from './build.ts';
import { type Extracted, extractMedia } from './extract.ts';
import { commitFault } from './faults.ts';
import {
  ANSWER_FD,
  type ExtractMessage,
  FAULTS_ARGUMENT,
  type FailureMessage,
  type FromChild,
  type RangeMessage,
  type ResultMessage,
  type ToChild,
} from './protocol.ts';
import { packMembers } from './result-parts.ts';
import { type ByteSource, openLocal } from './source.ts';
import { Watchdog } from './watched.ts';
import { FrameParser, frameHead, type WireFrame } from './wire.ts';

const watchdog = new Watchdog();
const obeyFaults = process.argv.includes(FAULTS_ARGUMENT);
const ranges = new Map<number, (frame: WireFrame<RangeMessage>) => void>();
let nextRead = 0;

Log.setLevel(AV_LOG_FATAL);
listen();
answer({ type: 'ready', build: libavBuild(getFFmpegInfo().version), rssBytes: process.memoryUsage.rss() });

function listen(): void {
  const parser = new FrameParser<ToChild>();
  process.stdin.on('data', (chunk: Buffer) => {
    for (const { header, payload } of parser.push(chunk)) {
      if (header.type === 'extract') void extract(header);
      else ranges.get(header.readId)?.({ header, payload });
    }
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
}

async function extract(message: ExtractMessage): Promise<void> {
  watchdog.begin(message.limits);
  answer({ type: 'taken', id: message.id });
  let source: ByteSource | undefined;
  try {
    if (obeyFaults && message.fault !== undefined) await commitFault(message.fault);
    source = sourceOf(message);
    const extracted = await extractMedia(source, message);
    source.verify?.();
    sendResult(message.id, extracted);
  } catch (thrown) {
    answer(failure(message.id, thrown, source?.failed ?? false));
  } finally {
    watchdog.end();
    source?.close();
  }
}

/**
 * The file itself where this process can open it and it is the one that was pinned. Else (behind the sandbox's wall, or moved, or
 * replaced since) its bytes come through the parent, which holds the pinned file open and notices changes of it.
 */
function sourceOf(message: ExtractMessage): ByteSource {
  if (message.path === undefined) return remote(message);
  try {
    return openLocal(message.path, message);
  } catch {
    return remote(message);
  }
}

/** Reads through the parent. libav turns a failed read into an error of its own, so the failure is remembered here. */
function remote({ id, sizeBytes }: ExtractMessage): ByteSource {
  let failed = false;
  return {
    sizeBytes,
    get failed() {
      return failed;
    },
    async read(offset, length) {
      const readId = nextRead++;
      const wanted = Math.max(0, Math.min(length, sizeBytes - offset));
      if (wanted === 0) return new Uint8Array(0);
      const frame = await new Promise<WireFrame<RangeMessage>>((resolve) => {
        ranges.set(readId, resolve);
        answer({ type: 'read', id, readId, offset, length: wanted });
      });
      ranges.delete(readId);
      failed = frame.header.failed;
      if (failed) throw new Error('range not read');
      return frame.payload;
    },
    close: () => {},
  };
}

function sendResult(id: number, { probe, members, timings, facts }: Extracted): void {
  const packed = packMembers(members);
  const header: ResultMessage = {
    ...{ type: 'result', id, rssBytes: process.memoryUsage.rss(), probe, timings, facts },
    ...{ members: packed.members, parts: packed.parts },
  };
  answer(header, packed.payload);
}

function failure(id: number, thrown: unknown, readFailed: boolean): FailureMessage {
  const { code, kind, message } = toFirstFiveError(thrown);
  return { type: 'failure', id, rssBytes: process.memoryUsage.rss(), code, kind, message, readFailed };
}

/** Blocks until the parent has taken everything; a parent that is gone ends the child. */
function answer(header: FromChild, payload: readonly Uint8Array[] = []): void {
  try {
    for (const part of [frameHead(header, payload), ...payload]) {
      for (let at = 0; at < part.byteLength; ) at += writeSync(ANSWER_FD, part, at);
    }
  } catch {
    process.exit(0);
  }
}
