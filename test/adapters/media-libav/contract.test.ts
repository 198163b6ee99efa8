import { createLibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { decoderContract } from '../../contract/decoder.contract.ts';

decoderContract('media-libav', () => createLibavDecoder({ children: 2 }));
