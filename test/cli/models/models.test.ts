import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../support/shared-data.ts';
import { type CliFolder, cliFolder, packageRoot } from '../cli-harness.ts';

const sample = sharedData('snapugc/engagement_text.csv');
let folder: CliFolder;
beforeAll(async () => {
  folder = await cliFolder();
});
afterAll(() => folder.remove());

async function csv(name: string, text: string): Promise<string> {
  await writeFile(join(folder.path, name), text);
  return name;
}

async function brokenModels(): Promise<string> {
  await cp(join(packageRoot, 'models/starter/1.0.0'), join(folder.path, 'm/starter/1.0.0'), {
    recursive: true,
  });
  await cp(join(packageRoot, 'models/starter/1.0.0'), join(folder.path, 'm/starter/0.9.0'), {
    recursive: true,
  });
  const graph = join(folder.path, 'm/starter/0.9.0/vision.onnx');
  const bytes = await readFile(graph);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  await writeFile(graph, bytes);
  return 'folder:m';
}

describe('models ls', () => {
  it('lists bundles, and says what is wrong with a broken one', async () => {
    const models = await brokenModels();
    const { code, ...run } = await folder.run(['models', 'ls', '--models', models, '--json']);
    expect(code).toBe(0);
    expect(run.json()).toEqual([
      expect.objectContaining({
        bundle: 'starter@0.9.0',
        ok: false,
        detail: expect.stringMatching(/^BUNDLE_INVALID/),
      }),
      expect.objectContaining({
        bundle: 'starter@1.0.0',
        ok: true,
        tier: 1,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    ]);
  });
});

describe('models verify', () => {
  it('runs the golden vectors of the bundle that ships', async () => {
    const { code, ...run } = await folder.run(['models', 'verify', 'starter', '--json']);
    expect(code).toBe(0);
    const [result] = run.json();
    expect(result).toMatchObject({ ok: true, provider: 'cpu' });
    expect(result?.checks).toHaveProperty('2');
  });

  it('exits 78 for a bundle that is not there, or not whole', async () => {
    expect(await folder.run(['models', 'verify', 'starter@9'])).toMatchObject({ code: 78 });
    const models = await brokenModels();
    const { code, stderr } = await folder.run(['models', 'verify', 'starter@0.9.0', '--models', models]);
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringContaining('BUNDLE_INVALID') });
  });
});

describe('models eval', () => {
  const rows = [
    'id,label,title,description,caption,impressions,continues',
    '1,2,a puppy learns to swim,so happy,,100,70',
    '2,0,,,"A man talks, about ""money""",100,40',
    '3,1,money money money,,,50,20',
    '4,2,,,,10,5',
    '5,0,"two',
    'lines",x,,0,0',
  ].join('\n');
  const evaluated = async (name: string, ...args: string[]) =>
    folder.run(['models', 'eval', 'starter', '--data', name, '--json', ...args]);

  it('gives one object with the metrics of its contract', async () => {
    const { code, ...run } = await evaluated(await csv('rows.csv', rows));
    expect(code).toBe(0);
    const [result, ...more] = run.json();
    expect(more).toEqual([]);
    // Row 4 holds no text at all: there is nothing to judge.
    expect(result).toMatchObject({ n: 4 });
    expect(Object.keys(result ?? {})).toEqual(
      expect.arrayContaining([
        'n',
        'srocc',
        'plcc',
        'final',
        'auc',
        'ci',
        'brier',
        'logLoss',
        'ece',
        'coverage90',
      ]),
    );
    const { srocc, plcc, final } = result as Record<string, number>;
    expect(final).toBeCloseTo(0.6 * (srocc ?? 0) + 0.4 * (plcc ?? 0), 12);
  });

  it('takes another label column, a byte order mark and Windows line ends', async () => {
    const text = `\ufeff${rows.replace('label', 'class').replaceAll('\n', '\r\n')}`;
    expect((await evaluated(await csv('bom.csv', text), '--label-column', 'class')).json()[0]).toMatchObject({
      n: 4,
    });
  });

  it('says null where a metric has no meaning', async () => {
    const [result] = (await evaluated(await csv('one.csv', 'label,title\n1,a\n1,b\n'))).json();
    expect(result).toMatchObject({ n: 2, srocc: null, auc: null });
    expect(result).not.toHaveProperty('brier');
  });

  it('leaves out rows whose media cannot be scored, and says how many', async () => {
    const text = 'label,title,uri\n0,a cat,\n1,a dog,\n2,a cow,gone.mp4\n';
    const run = await evaluated(await csv('media.csv', text));
    expect(run.stderr).toBe('left out: 1 rows rejected with MEDIA_NOT_FOUND\n');
    expect(run.json()[0]).toMatchObject({ n: 2 });
  });

  it.each([
    ['label,title\nhigh,a\n', 'row 1: label is no number'],
    ['label,title\n1,a\n,b\n', 'row 2: label is empty'],
    ['title\na\n', 'no column "label"'],
    ['label,id\n1,a\n', 'none of the columns title, description, caption, uri'],
    ['label,title\n1,a,b\n', 'CSV_RECORD_INCONSISTENT_COLUMNS'],
    ['label,title,impressions,continues\n1,a,5,6\n', 'continues at most impressions'],
    ['label,title\n', 'no row that can be scored'],
  ])('refuses %j and says why', async (text, reason) => {
    const { code, stdout, stderr } = await evaluated(await csv('bad.csv', text));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(reason);
  });

  it('refuses a file that is not there', async () => {
    expect(await evaluated('gone.csv')).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') });
  });

  it.skipIf(sample === undefined)('orders real labelled uploads far better than chance', async () => {
    const [result] = (await evaluated(sample ?? '')).json();
    // The head was fitted on these rows: this says that it is wired rightly, not how good it is.
    expect(result).toMatchObject({ n: expect.any(Number) });
    expect(Number(result?.srocc)).toBeGreaterThan(0.4);
  });
});
