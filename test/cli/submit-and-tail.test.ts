import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliFolder, cliFolder } from './cli-harness.ts';

const TOPIC = 'media.upload.created.v1';
let folder: CliFolder;
beforeEach(async () => {
  folder = await cliFolder();
});
afterEach(() => folder.remove());

describe('submit', () => {
  it('publishes absolute file: URIs of files that it never opens', async () => {
    const { code, stderr } = await folder.run(['submit', 'not there %20.mp4', 's3://bucket/a.mp4']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `2 published to ${TOPIC}, 0 rejected\n` });
    const records = (
      await folder.run(['tail', TOPIC, '--from', 'beginning', '--no-follow', '--json'])
    ).json();
    const uris = records.map(({ value }) => (value as { media: { uri: string } }).media.uri);
    expect(uris.sort()).toEqual([`file://${folder.path}/not%20there%20%2520.mp4`, 's3://bucket/a.mp4']);
  });

  it('says with --json where each event landed, and rejects a bad row in its place', async () => {
    const rows = [
      '{"uploadId":"a","media":{"uri":"a.mp4"}}',
      '{"uploadId":"b","media":{"uri":"b.mp4"},"titel":"x"}',
      '{"uploadId":"a","revision":1,"media":{"uri":"a.mp4"}}',
    ];
    await writeFile(join(folder.path, 'u.jsonl'), rows.join('\n'));
    const { code, ...run } = await folder.run(['submit', '--from', 'u.jsonl', '--json']);
    expect(code).toBe(0);
    const [first, second, third] = run.json();
    expect(first).toMatchObject({ uploadId: 'a', status: 'published', topic: TOPIC, offset: 0 });
    expect(second).toMatchObject({
      uploadId: 'b',
      status: 'rejected',
      code: 'UPLOAD_INVALID',
      stage: 'read',
    });
    expect(second?.message).toBe('line 2: unknown key "titel"');
    expect(third).toMatchObject({ uploadId: 'a', partition: first?.partition, offset: 1 });
  });

  it('lets an oversized title through, for the pipeline to dead-letter', async () => {
    const row = { uploadId: 'a', media: { uri: 'a.mp4' }, title: 'x'.repeat(100_000) };
    await writeFile(join(folder.path, 'u.jsonl'), JSON.stringify(row));
    expect((await folder.run(['submit', '--from', 'u.jsonl'])).stderr).toBe(
      `1 published to ${TOPIC}, 0 rejected\n`,
    );
    const [record] = (
      await folder.run(['tail', TOPIC, '--from', 'beginning', '--no-follow', '--json'])
    ).json();
    expect(record).toMatchObject({ key: 'a', value: null, error: { code: 'TEXT_TOO_LARGE' } });
  });

  it('reads rows from standard input', async () => {
    const stdin = (async function* () {
      yield Buffer.from('{"uploadId":"a","media":{"uri":"x/y.mp4"}}\n');
    })();
    expect((await folder.run(['submit', '--from', '-'], { stdin })).code).toBe(0);
  });

  it('puts the topic prefix before its topic', async () => {
    const { stderr } = await folder.run(['submit', 'a.mp4', '--topic-prefix', 'eu.']);
    expect(stderr).toBe(`1 published to eu.${TOPIC}, 0 rejected\n`);
    const { stdout } = await folder.run([
      'tail',
      TOPIC,
      '--topic-prefix',
      'eu.',
      '--from',
      'beginning',
      '--no-follow',
    ]);
    expect(stdout).toMatch(/"uploadId":"a"/);
  });
});

describe('tail', () => {
  beforeEach(async () => {
    await mkdir(join(folder.path, 'clips'));
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder.path, 'clips', `${name}.mp4`), '');
    await folder.run(['submit', 'clips']);
  });

  it('stops after --max records', async () => {
    const { stdout } = await folder.run(['tail', TOPIC, '--from', 'beginning', '--max', '2']);
    expect(stdout.trim().split('\n')).toHaveLength(2);
  });

  it('shows what is published while it waits, and stops when it is told to', async () => {
    const stop = new AbortController();
    let seen = '';
    const tail = folder.run(['tail', TOPIC, '--from', 'beginning', '--json'], {
      stop: stop.signal,
      onStdout: (text) => {
        seen += text;
        if (seen.includes('"late"')) stop.abort();
      },
    });
    await expect.poll(() => seen.split('\n').length).toBe(4);
    await folder.run(['submit', 'late.mp4']);
    const { code, ...run } = await tail;
    expect(code).toBe(0);
    expect(
      run
        .json()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['a', 'b', 'c', 'late']);
  });

  it('starts at a point in time', async () => {
    const count = async (from: string) =>
      (await folder.run(['tail', TOPIC, '--from', from, '--no-follow', '--json'])).json().length;
    expect(await count('1h')).toBe(3);
    expect(await count(new Date(Date.now() + 60_000).toISOString())).toBe(0);
    expect(await count('end')).toBe(0);
  });

  it('gives the bytes themselves with --raw', async () => {
    const args = ['tail', TOPIC, '--from', 'beginning', '--max', '1', '--raw', '--json'];
    const [record] = (await folder.run(args)).json();
    const value = Buffer.from(String(record?.value), 'base64');
    expect(value[0]).toBe(0);
    expect(value.readInt32BE(1)).toBeGreaterThan(0);
  });

  it('refuses a time that it cannot read', async () => {
    const { code, stderr } = await folder.run(['tail', TOPIC, '--from', 'yesterday']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^firstfive: USAGE --from: "yesterday" is no time/);
  });
});
