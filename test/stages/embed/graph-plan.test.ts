import { describe, expect, it } from 'vitest';
import type { BundleManifest, FeatureManifest, GraphManifest } from '../../../src/core/bundle.ts';
import { readsText, textPart } from '../../../src/core/bundle-parts.ts';
import { createEmbedStage } from '../../../src/stages/embed/embed-stage.ts';
import { planGraphs } from '../../../src/stages/embed/graph-plan.ts';
import type { NamedTensors } from '../../../src/stages/embed/inference.ts';
import type { UploadTextEncoders } from '../../../src/stages/embed/text-encoders.ts';
import { starterBundle } from '../../support/starter-bundle.ts';

const starter = await starterBundle();

/** One id for each character, between 101 and 102, at most eight. */
const encoders: UploadTextEncoders = new Map([
  [
    'letters',
    {
      encode: (text: string) =>
        Int32Array.from([101, ...Array.from(text, (char) => char.codePointAt(0) ?? 0).slice(0, 6), 102]),
    },
  ],
]);

function graph(change: Partial<GraphManifest>): GraphManifest {
  return {
    file: 'x.onnx',
    sha256: 'c0ffee'.padEnd(64, '0'),
    inputs: [],
    outputs: [{ name: 'out', type: 'float32', shape: ['n', 2] }],
    buckets: [1, 4],
    ...change,
  };
}

const ids = { name: 'ids', type: 'int32', shape: ['n', 'tokens'] } as const;
const mask = { ...ids, name: 'mask' } as const;
const over = (name: string, feature: string) =>
  ({ name, type: 'float32', shape: ['n', 2], feature }) as const;
const kept = (name: string, from: string, change: Partial<FeatureManifest> = {}): FeatureManifest => ({
  name,
  from: `${from}.out`,
  dim: 2,
  ...change,
});

/** audio.tags -> music; title, description -> words -> stack (on four rows) -> last. */
function manifest(change: Partial<BundleManifest> = {}): BundleManifest {
  const { audio } = starter.manifest.graphs;
  if (audio === undefined) throw new Error('the starter bundle has no audio graph');
  return {
    ...starter.manifest,
    graphs: {
      last: graph({ inputs: [over('stack', 'stack.title')] }),
      stack: graph({
        inputs: [over('title', 'words.title'), over('description', 'words.description')],
        occlusion: [['title'], ['description']],
      }),
      words: graph({ inputs: [ids, mask], text: { tokenizer: 'letters', lengths: [4, 8] } }),
      audio,
      music: graph({ inputs: [{ ...over('tags', 'audio.tags'), shape: ['n', 50] }] }),
    },
    features: [
      kept('words.title', 'words', { reading: 'title' }),
      kept('words.description', 'words', { reading: 'description' }),
      kept('stack.title', 'stack'),
      kept('stack.rows', 'stack', { pool: 'concat', dim: 8 }),
      kept('last', 'last'),
      { name: 'audio.tags', from: 'audio.tags', dim: 50 },
      kept('music', 'music'),
    ],
    ...change,
  };
}

/** Each graph answers row by row with the sums of its inputs' rows, twice. */
function stage(bundle = manifest()) {
  const calls: [string, NamedTensors][] = [];
  const runner = {
    executionProvider: 'cpu',
    run: async (name: string, rows: NamedTensors): Promise<NamedTensors> => {
      calls.push([name, rows]);
      const [first] = Object.values(rows);
      const count = first?.dims[0] ?? 0;
      const data = new Float32Array(count * 2);
      for (const [input, { data: values }] of Object.entries(rows)) {
        if (input === 'mask') continue;
        const width = values.length / count;
        for (const [at, value] of values.entries()) {
          const row = 2 * Math.floor(at / width);
          data[row] = (data[row] ?? 0) + value;
          data[row + 1] = (data[row + 1] ?? 0) + value;
        }
      }
      return { out: { type: 'float32', dims: [count, 2], data } };
    },
  };
  const embed = createEmbedStage({
    bundle: { manifest: bundle, label: 'toy@1.0.0', digest: 'd' },
    runner,
    encoders,
    now: () => 0,
  });
  return { embed, calls };
}

describe('the plan of a bundle’s graphs', () => {
  it('runs each graph after those whose features it reads', () => {
    const waves = planGraphs(manifest(), encoders);
    expect(waves.map((wave) => wave.map((one) => `${one.name}: ${one.reads}`))).toEqual([
      ['words: text', 'audio: media'],
      ['stack: features', 'music: features'],
      ['last: features'],
    ]);
  });

  it.each<[string, Partial<Record<string, GraphManifest>>, RegExp]>([
    [
      'a circle',
      { stack: graph({ inputs: [over('x', 'last')] }) },
      /reads, by way of others, its own features/,
    ],
    [
      'a feature that is not there',
      { stack: graph({ inputs: [over('x', 'absent')] }) },
      /its own features|filled by no feature/,
    ],
    [
      'a feature of another size',
      { last: graph({ inputs: [{ ...over('x', 'stack.rows') }] }) },
      /yields float32 \[n, 8\]/,
    ],
    [
      'text and features at once',
      { words: graph({ inputs: [ids, over('x', 'music')], text: { tokenizer: 'letters', lengths: [8] } }) },
      /text and features/,
    ],
    [
      'an unknown tokenizer',
      { words: graph({ inputs: [ids, mask], text: { tokenizer: 'clip', lengths: [8] } }) },
      /tokenizer clip/,
    ],
    [
      'an unknown text input',
      { words: graph({ inputs: [{ ...ids, name: 'types' }], text: { tokenizer: 'letters', lengths: [8] } }) },
      /input types/,
    ],
    [
      'occlusion of no input',
      { stack: graph({ inputs: [over('title', 'words.title')], occlusion: [['caption']] }) },
      /no input caption/,
    ],
    [
      'text read for no field',
      { audio: graph({ inputs: [ids, mask], text: { tokenizer: 'letters', lengths: [8] } }) },
      /see the reading of feature audio.tags/,
    ],
  ])('refuses %s', (_what, graphs, reason) => {
    const change = { ...manifest().graphs, ...graphs } as BundleManifest['graphs'];
    const create = () => planGraphs(manifest({ graphs: change }), encoders);
    expect(create).toThrow(reason);
    expect(create).toThrow(expect.objectContaining({ code: 'BUNDLE_INVALID' }));
  });
});

describe('graphs over text', () => {
  it('read each field by itself, padded to the next length', async () => {
    const { embed, calls } = stage();
    await embed.embedText({ title: 'ab', description: 'abcdefgh', caption: 'unread' });
    const words = calls.filter(([name]) => name === 'words').map(([, rows]) => rows);
    expect(words.map((rows) => [...(rows.ids?.data ?? [])])).toEqual([
      [101, 97, 98, 102],
      [101, 97, 98, 99, 100, 101, 102, 102],
    ]);
    expect(words.map((rows) => rows.mask?.dims)).toEqual([
      [1, 4],
      [1, 8],
    ]);
    const short = stage();
    await short.embed.embedText({ title: 'a' });
    expect([...(short.calls[0]?.[1].mask?.data ?? [])]).toEqual([1, 1, 1, 0]);
  });

  it('do not run on a text without a word', async () => {
    const { embed, calls } = stage();
    expect((await embed.embedText({ title: '!!!', description: '' })).embeddings).toEqual([]);
    expect(calls).toEqual([]);
  });
});

describe('title and description read as one text', () => {
  const both = { reading: 'title+description' } as const;
  const features = [
    kept('words.both', 'words', both),
    kept('words.title', 'words', { ...both, without: 'description' }),
  ];
  const { words } = manifest().graphs;
  const bundle = manifest({ graphs: words === undefined ? {} : { words }, features });
  const read = (calls: readonly [string, NamedTensors][]) =>
    calls.map(([, rows]) =>
      String.fromCodePoint(...[...(rows.ids?.data ?? [])].filter((id) => id > 0 && id < 101)),
    );

  it('keep the joint between them, also where one is left out', async () => {
    const { embed, calls } = stage(bundle);
    await embed.embedText({ title: 'A', description: 'B' });
    expect(read(calls)).toEqual(['A . B', 'A . ']);
  });

  it('run once where one of them is all there is', async () => {
    const { embed, calls } = stage(bundle);
    const { embeddings } = await embed.embedText({ title: 'A', description: '...' });
    expect(read(calls)).toEqual(['A . ']);
    expect(embeddings.map((one) => one.name)).toEqual(['words.both', 'words.title']);
    expect(embeddings[0]?.values).toEqual(embeddings[1]?.values);
    expect(embeddings[0]?.values.buffer).not.toBe(embeddings[1]?.values.buffer);
  });

  it('give nothing where what is left holds no word', async () => {
    const { embed } = stage(bundle);
    const { embeddings } = await embed.embedText({ description: 'B' });
    expect(embeddings.map((one) => one.name)).toEqual(['words.both']);
  });
});

describe('graphs over features', () => {
  it('see everything, all but each group, and nothing', async () => {
    const { embed } = stage();
    const { embeddings } = await embed.embedText({ title: 'a', description: 'b' });
    const title = 2 * (101 + 97 + 102);
    const description = 2 * (101 + 98 + 102);
    const rows = embeddings.find((one) => one.name === 'stack.rows')?.values ?? [];
    expect([...rows].filter((_value, i) => i % 2 === 0)).toEqual([
      title + description,
      description,
      title,
      0,
    ]);
    expect(embeddings.map((one) => one.name)).toEqual([
      'words.title',
      'words.description',
      'stack.title',
      'stack.rows',
      'last',
    ]);
  });

  it('read zeros for a feature that the upload has not', async () => {
    const { embed } = stage();
    const { embeddings } = await embed.embedText({ description: 'b' });
    const description = 2 * (101 + 98 + 102);
    const rows = embeddings.find((one) => one.name === 'stack.rows')?.values ?? [];
    expect([...rows].filter((_value, i) => i % 2 === 0)).toEqual([description, description, 0, 0]);
  });

  it('do not run on none of their features', async () => {
    const { embed, calls } = stage();
    await embed.embedText({ title: 'a' });
    expect(calls.map(([name]) => name)).toEqual(['words', 'stack', 'last']);
  });
});

describe('the part of a bundle that text alone reaches', () => {
  it('leaves out what reads media, and what is computed from that', () => {
    const part = textPart(manifest());
    expect(Object.keys(part.graphs).sort()).toEqual(['last', 'stack', 'words']);
    expect(part.features.map((one) => one.name)).toEqual([
      'words.title',
      'words.description',
      'stack.title',
      'stack.rows',
      'last',
    ]);
    expect(readsText(part)).toBe(true);
  });

  it('is empty for a bundle whose graphs read no text', () => {
    expect(readsText(starter.manifest)).toBe(false);
    expect(textPart(starter.manifest)).toMatchObject({ graphs: {}, features: [] });
  });
});
