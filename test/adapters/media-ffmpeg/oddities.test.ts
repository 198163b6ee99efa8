import { describe, it } from 'vitest';
import { probeFfmpegBackend } from '../../../src/adapters/media-ffmpeg/backend.ts';
import { createFfmpegDecoder } from '../../../src/adapters/media-ffmpeg/decoder.ts';
import { odditiesContract } from '../../contract/oddities.contract.ts';

const { available, detail } = await probeFfmpegBackend();
const differs = ['times-missing.mkv', 'ninety-six-channels.wav'];

if (available) odditiesContract('media-ffmpeg', () => createFfmpegDecoder({ children: 1 }), differs);
else describe.skip(`media-ffmpeg (${detail})`, () => it('decodes', () => {}));
