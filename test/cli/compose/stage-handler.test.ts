import { beforeAll, describe, expect, it } from 'vitest';
import { createSerdes, openFolderRegistry, SHIPPED_SCHEMAS } from '../../../src/adapters/schemas/index.ts';
import type { Engine } from '../../../src/cli/compose/engine.ts';
import { stageHandler } from '../../../src/cli/compose/stage-handler.ts';
import { planDigest } from '../../../src/core/digest.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { headerText, type OutputRecord, type StreamRecord } from '../../../src/core/record.ts';
import type { HandlerContext } from '../../../src/runtime/handler.ts';
import type { StageSpec, Step } from '../../../src/runtime/topology.ts';
import { createEmbedStage } from '../../../src/stages/embed/embed-stage.ts';
import type { ObjectStore } from '../../../src/stages/object-store.ts';
import { createScoreStage } from '../../../src/stages/score/score-stage.ts';
import { openScoringHead } from '../../../src/stages/score/scoring-head.ts';
import { stageSpec } from '../../runtime/fixtures.ts';
import { starterBundle } from '../../support/starter-bundle.ts';
import { extraction, uploadEvent } from '../../support/upload-fixtures.ts';

const TOPICS: Record<Step, string> = { extract: 'extracted', embed: 'embedded', score: 'scores' };
const NOW = 1_700_000_500_000;

let serdes: Awaited<ReturnType<typeof createSerdes>>;
let engine: Engine;
/** By uri: what extraction fails with. */
const failures = new Map<string, FirstFiveError>();

beforeAll(async () => {
  serdes = await createSerdes(await openFolderRegistry(SHIPPED_SCHEMAS));
  const bundle = await starterBundle();
  // The real steps, around a decoder and an inference that answer at once.
  const run: Parameters<typeof createEmbedStage>[0]['runner']['run'] = async (graph, rows) => {
    const n = Object.values(rows)[0]?.dims[0] ?? 0;
    const outputs = bundle.manifest.graphs[graph]?.outputs ?? [];
    const tensor = (width: number) => {
      const data = new Float32Array(n * width).fill(0.25);
      return { type: 'float32', dims: [n, width], data } as const;
    };
    return Object.fromEntries(outputs.map(({ name, shape }) => [name, tensor(Number(shape[1] ?? 1))]));
  };
  engine = {
    bundle,
    store: memoryStore(),
    decoderBuild: 'decoder',
    executionProvider: 'cpu',
    extract: {
      extract: async (uri) => {
        const failure = failures.get(uri);
        if (failure !== undefined) throw failure;
        return { mediaEtag: 'etag', decoderBuild: 'decoder', extraction: extraction(), tookMs: 20 };
      },
    },
    embed: createEmbedStage({ bundle, runner: { executionProvider: 'cpu', run } }),
    score: createScoreStage({ bundle, head: await openScoringHead(bundle) }),
    close: async () => {},
  };
});

function memoryStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  return {
    open: async () => Promise.reject(new FirstFiveError('MEDIA_NOT_FOUND', 'not in this test')),
    get: async (key) => {
      const bytes = objects.get(key);
      if (bytes === undefined) throw new FirstFiveError('ARTEFACT_MISSING', key);
      return bytes;
    },
    putIfAbsent: async (key, bytes) => {
      const isNew = !objects.has(key);
      if (isNew) objects.set(key, bytes.slice());
      return isNew;
    },
    delete: async (key) => objects.delete(key),
  };
}

/** A handler for a stage of these steps, each of which has a topic where `topics` names it. */
function handlerOf(steps: readonly Step[], topics: readonly Step[] = steps) {
  const outputs: StageSpec['outputs'] = Object.fromEntries(topics.map((step) => [step, TOPICS[step]]));
  return stageHandler({ stage: stageSpec({ steps, outputs }), serdes, engine, now: () => NOW });
}

function context(steps: string[] = []): HandlerContext {
  return { lane: 'live', attempt: 1, signal: new AbortController().signal, step: (name) => steps.push(name) };
}

const uploadBytes = (change: Parameters<typeof uploadEvent>[0] = {}) =>
  serdes.uploadCreated.serialize(uploadEvent(change));

function recordOf(value: Uint8Array | null, offset = 41n): StreamRecord {
  return { topic: 'uploads', partition: 2, offset, timestamp: 1, key: Buffer.from('u1'), value, headers: [] };
}

/** An output as the next stage reads it. */
function read(output: OutputRecord | undefined, offset: bigint): StreamRecord {
  if (output === undefined) throw new Error('there is no output');
  return { ...output, partition: 5, offset };
}

const header = (output: OutputRecord | undefined, name: string) => headerText(output?.headers ?? [], name);

describe('a stage of all steps', () => {
  it('emits features and score, placed by their headers and ordered by revision and tier', async () => {
    const steps: string[] = [];
    const value = uploadBytes({ revision: 3 });
    const { outputs, order } = await handlerOf(['extract', 'embed', 'score'], ['embed', 'score']).handle(
      recordOf(value),
      context(steps),
    );
    expect(order).toEqual({ id: 'u1', revision: 3, tier: 1 });
    expect(outputs.map(({ topic }) => topic)).toEqual(['embedded', 'scores']);
    expect(outputs.map((one) => Buffer.from(one.key ?? []).toString())).toEqual(['u1', 'u1']);
    expect(outputs.map((one) => header(one, 'ff-source'))).toEqual(['uploads/2/41', 'uploads/2/41']);
    expect(
      outputs.map((one) => [header(one, 'ff-revision'), header(one, 'ff-tier'), header(one, 'ff-lane')]),
    ).toEqual([
      ['3', undefined, 'live'],
      ['3', '1', 'live'],
    ]);
    expect(steps.filter((step) => step in TOPICS)).toEqual(['extract', 'embed', 'score']);
    const score = serdes.coldStartScore.deserialize(outputs[1]?.value ?? new Uint8Array());
    expect(score).toMatchObject({ uploadId: 'u1', revision: 3, tier: 1, scoredAt: NOW, rejection: null });
  });

  it('passes over a tombstone', async () => {
    const result = await handlerOf(['extract', 'embed', 'score'], ['score']).handle(
      recordOf(null),
      context(),
    );
    expect(result).toEqual({ outputs: [] });
  });

  it('has the base rate for a rejected upload that says who it is, and nothing for one that does not', () => {
    const handler = handlerOf(['extract', 'embed', 'score'], ['embed', 'score']);
    const error = new FirstFiveError('TEXT_TOO_LARGE', 'too long');
    const named = handler.rejected(
      recordOf(uploadBytes({ revision: 9, title: 'x'.repeat(100_000) })),
      error,
      'live',
    );
    expect(named?.order).toEqual({ id: 'u1', revision: 9, tier: 0 });
    expect(named?.outputs.map(({ topic }) => topic)).toEqual(['scores']);
    expect(header(named?.outputs[0], 'ff-tier')).toBe('0');
    const score = serdes.coldStartScore.deserialize(named?.outputs[0]?.value ?? new Uint8Array());
    expect(score).toMatchObject({
      tier: 0,
      rejection: 'TEXT_TOO_LARGE',
      rank: 0.5,
      reasons: expect.any(Array),
    });
    for (const value of [null, new Uint8Array(), Buffer.from('junk'), uploadBytes().subarray(0, 9)]) {
      expect(handler.rejected(recordOf(value), error, 'live')).toBeUndefined();
    }
  });
});

describe('stages of one step each', () => {
  it('give the same score as one stage of all steps, apart from clock fields', async () => {
    const upload = recordOf(uploadBytes());
    const whole = await handlerOf(['extract', 'embed', 'score'], ['score']).handle(upload, context());
    const extracted = await handlerOf(['extract']).handle(upload, context());
    expect(extracted.order).toEqual({ id: 'u1', revision: 1, tier: 0 });
    const embedded = await handlerOf(['embed']).handle(read(extracted.outputs[0], 7n), context());
    const scored = await handlerOf(['score']).handle(read(embedded.outputs[0], 8n), context());
    const scoreOf = ({ outputs }: typeof scored) => {
      const score = serdes.coldStartScore.deserialize(outputs[0]?.value ?? new Uint8Array());
      return { ...score, timings: {} };
    };
    expect(scoreOf(scored)).toEqual(scoreOf(whole));
    expect(scored.order).toEqual(whole.order);
    // Whatever the way, the score names the upload event that it answers.
    expect(header(scored.outputs[0], 'ff-source')).toBe('uploads/2/41');
  });

  it('keep frames and sound out of the records', async () => {
    const { outputs } = await handlerOf(['extract']).handle(recordOf(uploadBytes()), context());
    expect(outputs[0]?.value?.byteLength).toBeLessThan(2_000);
  });

  it('send word of a rejection to the stage that scores, which emits the base rate once', async () => {
    const error = new FirstFiveError('MEDIA_NO_FRAMES', 'nothing decodes');
    failures.set('broken.mp4', error);
    const upload = recordOf(uploadBytes({ revision: 6, media: { uri: 'broken.mp4' } }));
    const [extract, embed, score] = [handlerOf(['extract']), handlerOf(['embed']), handlerOf(['score'])];
    await expect(extract.handle(upload, context())).rejects.toBe(error);
    const word = extract.rejected(upload, error, 'live');
    expect(word?.outputs).toMatchObject([{ topic: 'extracted', value: null }]);
    const passedOn = await embed.handle(read(word?.outputs[0], 3n), context());
    expect(passedOn.outputs).toMatchObject([{ topic: 'embedded', value: null }]);
    const { outputs, order } = await score.handle(read(passedOn.outputs[0], 4n), context());
    expect(order).toEqual({ id: 'u1', revision: 6, tier: 0 });
    expect(header(outputs[0], 'ff-source')).toBe('uploads/2/41');
    const base = serdes.coldStartScore.deserialize(outputs[0]?.value ?? new Uint8Array());
    expect(base).toMatchObject({ uploadId: 'u1', revision: 6, uploadedAt: 1_700_000_000_000, tier: 0 });
    expect(base.rejection).toBe('MEDIA_NO_FRAMES');
  });

  it('refuse frames that were taken by another plan than the bundle wants', async () => {
    const { outputs } = await handlerOf(['extract']).handle(recordOf(uploadBytes()), context());
    const stored = serdes.uploadExtracted.deserialize(outputs[0]?.value ?? new Uint8Array());
    expect(stored.planDigest).toBe(planDigest(engine.bundle.manifest.extractionPlan));
    const other = serdes.uploadExtracted.serialize({ ...stored, planDigest: 'f'.repeat(64) });
    const refused = handlerOf(['embed']).handle(recordOf(other), context());
    await expect(refused).rejects.toMatchObject({ code: 'ARTEFACT_MISSING', kind: 'terminal' });
  });
});
