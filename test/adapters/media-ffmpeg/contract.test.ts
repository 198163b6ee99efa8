import { describe, it } from 'vitest';
import { probeFfmpegBackend } from '../../../src/adapters/media-ffmpeg/backend.ts';
import { createFfmpegDecoder } from '../../../src/adapters/media-ffmpeg/decoder.ts';
import { decoderContract } from '../../contract/decoder.contract.ts';

const { available, detail } = await probeFfmpegBackend();

if (available) decoderContract('media-ffmpeg', () => createFfmpegDecoder({ children: 2 }));
else describe.skip(`media-ffmpeg (${detail})`, () => it('decodes', () => {}));
