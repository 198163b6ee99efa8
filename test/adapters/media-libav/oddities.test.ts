import { createLibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { odditiesContract } from '../../contract/oddities.contract.ts';

odditiesContract('media-libav', () => createLibavDecoder({ children: 1 }));
