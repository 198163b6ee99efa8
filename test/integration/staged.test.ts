/** The same uploads through the fused and the staged topology: the same scores, whatever lies between the steps. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readToEnd } from '../../src/cli/read-to-end.ts';
import type { ColdStartScore } from '../../src/core/score.ts';
import type { UploadEvent } from '../../src/core/upload.ts';
import { rejectionOf } from '../../src/runtime/record-headers.ts';
import { type EmbeddedRun, packageRoot, startEmbeddedRun, uploadOf } from '../support/embedded-run.ts';
import { aviBytes, wavBytes, y4mBytes } from '../support/tiny-media.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const EXTRACTED = 'media.upload.extracted.v1';
const UPLOADS = 5;
let media: string;
let events: readonly UploadEvent[];
let fused: readonly ColdStartScore[];
let staged: EmbeddedRun;

async function uploads(): Promise<readonly UploadEvent[]> {
  const file = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(media, name), bytes);
    return pathToFileURL(join(media, name)).href;
  };
  return [
    uploadOf('both', await file('both.avi', aviBytes()), { description: 'a song about #rain 🌧️' }),
    uploadOf('sound', await file('sound.wav', wavBytes())),
    uploadOf('picture', await file('picture.y4m', y4mBytes()), { attributes: { caption: 'a grey square' } }),
    uploadOf('absent', pathToFileURL(join(media, 'nowhere.mp4')).href),
    uploadOf('noise', await file('noise.bin', new Uint8Array(5_000).fill(7)), { revision: 3 }),
  ];
}

async function scoresOf(run: EmbeddedRun, settledPerUpload: number): Promise<readonly ColdStartScore[]> {
  await run.publish(events);
  await run.settle(UPLOADS * settledPerUpload);
  const values = (await run.scores()).map(({ value }) => value);
  return values.sort((a, b) => (a.uploadId < b.uploadId ? -1 : 1));
}

beforeAll(async () => {
  media = await mkdtemp(join(tmpdir(), 'firstfive-staged-'));
  // Written once: an upload's identity holds that of its bytes, and a file written again is another one.
  events = await uploads();
  const run = await startEmbeddedRun({ flags: { mediaRoots: media } });
  fused = await scoresOf(run, 1);
  await run[Symbol.asyncDispose]();
  const topology = join(packageRoot, 'topologies', 'staged.yaml');
  staged = await startEmbeddedRun({ flags: { mediaRoots: media, topology } });
});

afterAll(async () => {
  await staged?.[Symbol.asyncDispose]();
  await rm(media, { recursive: true, force: true });
});

describe('the staged topology', () => {
  it('gives the scores of the fused one: the same identities, the same numbers', async () => {
    const scores = await scoresOf(staged, 3);
    expect(scores).toHaveLength(UPLOADS);
    scores.forEach((score, i) => {
      const {
        timings,
        scoredAt,
        ticket,
        executionProvider,
        scoreId,
        ecr,
        alpha,
        beta,
        lower,
        upper,
        reasons,
        ...same
      } = score;
      const other = fused[i];
      expect(other, score.uploadId).toMatchObject(same);
      for (const [name, value] of Object.entries({ ecr, alpha, beta, lower, upper })) {
        expect(value, `${score.uploadId} ${name}`).toBeCloseTo(other?.[name as 'ecr'] ?? Number.NaN, 5);
      }
      expect(reasons.map(({ feature }) => feature)).toEqual(other?.reasons.map(({ feature }) => feature));
      expect(ticket.impressions).toBe(other?.ticket.impressions);
      if (score.tier > 0) expect(scoreId).toBe(other?.scoreId);
    });
  });

  it('dead-letters a rejected upload once, in the stage that gave it up, and scores it at the base rate', async () => {
    const letters = await staged.letters();
    expect(letters.map(({ code, stage }) => `${code} in ${stage}`).sort()).toEqual([
      'MEDIA_NOT_FOUND in extract',
      'MEDIA_UNSUPPORTED in extract',
    ]);
    const rejected = (await staged.scores()).filter(({ value }) => value.tier === 0);
    expect(
      rejected.map(({ value }) => `${value.uploadId}@${value.revision} ${value.rejection}`).sort(),
    ).toEqual(['absent@0 MEDIA_NOT_FOUND', 'noise@3 MEDIA_UNSUPPORTED']);
  });

  it('carries references between its stages, and word of what was given up', async () => {
    let withFrames = 0;
    const givenUp: string[] = [];
    for await (const record of readToEnd(staged.log, EXTRACTED)) {
      const rejection = rejectionOf(record);
      if (rejection !== undefined) givenUp.push(rejection.identity.uploadId);
      if (record.value === null) continue;
      expect(record.value.byteLength).toBeLessThan(8_000);
      const { video } = staged.serdes.uploadExtracted.deserialize(record.value);
      if (video !== null) withFrames += 1;
    }
    expect(withFrames).toBe(2);
    expect(givenUp.sort()).toEqual(['absent', 'noise']);
  });
});
