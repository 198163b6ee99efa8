/** Unions of plans on odd media and on real uploads. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { mediaFiles } from '../../contract/decoder.contract.ts';
import { fileObject } from '../../support/media-objects.ts';
import { sharedData } from '../../support/shared-data.ts';
import { expectUnionEqualsAlone } from '../../support/union-check.ts';

let decoder: LibavDecoder;

beforeAll(async () => {
  decoder = await createLibavDecoder({ children: 1 });
});

afterAll(() => decoder?.close());

describe('a union of plans', () => {
  const media = sharedData('media');
  it.skipIf(media === undefined)('equals its members on odd media', { timeout: 1_800_000 }, async () => {
    for (const path of mediaFiles(media ?? '')) await expectUnionEqualsAlone(decoder, fileObject(path));
  });

  const videos = sharedData('snapugc/videos');
  it.skipIf(videos === undefined)('equals its members on real uploads', { timeout: 600_000 }, async () => {
    for (const name of readdirSync(videos ?? ''))
      await expectUnionEqualsAlone(decoder, fileObject(join(videos ?? '', name)));
  });
});
