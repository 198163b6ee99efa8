import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUploadInputs, type UploadInput } from '../../../src/cli/inputs/upload-inputs.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'ff-inputs-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

async function inputs(media: readonly string[], from?: string): Promise<readonly UploadInput[]> {
  const stdin = (async function* (): AsyncGenerator<Uint8Array> {})();
  const found: UploadInput[] = [];
  for await (const input of readUploadInputs({ media, from, cwd, stdin, now: 5 })) found.push(input);
  return found;
}

const idsAndUris = (found: readonly UploadInput[]) =>
  found.map((input) =>
    'event' in input ? [input.event.uploadId, input.event.media.uri.replace(cwd, '')] : input,
  );

async function tree(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(cwd, path, '..'), { recursive: true });
    await writeFile(join(cwd, path), '');
  }
}

describe('files, folders and URIs', () => {
  it('take every regular file of a folder, sorted, without hidden ones', async () => {
    await tree('v/b.mp4', 'v/a.txt', 'v/sub/c.mov', 'v/.hidden', 'v/.git/x', 'elsewhere/d.mp4');
    await symlink(join(cwd, 'elsewhere'), join(cwd, 'v/link-to-folder'));
    await symlink(join(cwd, 'elsewhere/d.mp4'), join(cwd, 'v/link.mp4'));
    expect(idsAndUris(await inputs(['v']))).toEqual([
      ['a', 'file:///v/a.txt'],
      ['b', 'file:///v/b.mp4'],
      ['link', 'file:///v/link.mp4'],
      ['c', 'file:///v/sub/c.mov'],
    ]);
  });

  it('name files by their paths where names collide, and twice the same file apart', async () => {
    await tree('x/clip.mp4', 'y/clip.mov', 'z.mp4');
    expect(
      (await inputs(['x', 'y', 'z.mp4', 'z.mp4'])).map((input) =>
        'event' in input ? input.event.uploadId : input.uploadId,
      ),
    ).toEqual(['x/clip.mp4', 'y/clip.mov', 'z.mp4', 'z.mp4#2']);
  });

  it('keep what does not exist, and take URIs as they are', async () => {
    expect(idsAndUris(await inputs(['gone.mp4', 's3://b/k/clip.mp4', 'file:///x/a%20b.mp4']))).toEqual([
      ['gone', 'file:///gone.mp4'],
      ['clip', 's3://b/k/clip.mp4'],
      ['a b', 'file:///x/a%20b.mp4'],
    ]);
  });

  it('take a path that looks like a URI as a path when the file is there', async () => {
    await tree('ab:c.mp4');
    expect(idsAndUris(await inputs(['ab:c.mp4']))).toEqual([['ab:c', 'file:///ab:c.mp4']]);
  });

  it('are refused when there are none, or rows as well', async () => {
    await expect(inputs([])).rejects.toMatchObject({ code: 'USAGE' });
    await expect(inputs(['a'], 'b')).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('rows', () => {
  it('answer for every line that is not blank, in order', async () => {
    const lines = [
      '{"uploadId":"a","media":{"uri":"m/a.mp4"}}',
      '',
      'nonsense',
      '   ',
      '{"uploadId":"b","media":{"uri":"b.mp4"},"extra":1}',
      `{"uploadId":"c","media":{"uri":"c.mp4"},"title":"${'x'.repeat(5_000_000)}"}`,
      '{"uploadId":"d","media":{"uri":"/d.mp4"}}',
    ];
    await mkdir(join(cwd, 'rows'));
    await writeFile(join(cwd, 'rows/u.jsonl'), lines.join('\n'));
    const found = await inputs([], 'rows/u.jsonl');
    expect(
      found.map((input) =>
        'event' in input
          ? input.event.media.uri.replace(cwd, '')
          : [input.uploadId, input.error.code, input.error.stage],
      ),
    ).toEqual([
      'file:///rows/m/a.mp4',
      ['line:3', 'UPLOAD_INVALID', 'read'],
      ['b', 'UPLOAD_INVALID', 'read'],
      ['line:6', 'RECORD_TOO_LARGE', 'read'],
      'file:///d.mp4',
    ]);
    expect(found.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  });

  it('are refused when the file is not there, or a folder', async () => {
    await expect(inputs([], 'gone.jsonl')).rejects.toThrow('gone.jsonl (ENOENT)');
    await expect(inputs([], '.')).rejects.toMatchObject({ code: 'USAGE' });
  });
});
