import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redrive } from '../../../src/cli/dead-letters/redrive.ts';
import { openLog } from '../../../src/cli/openers.ts';
import { readToEnd } from '../../../src/cli/read-to-end.ts';
import { deadLetterRecord } from '../../../src/core/dead-letter.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { StreamRecord } from '../../../src/core/record.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { type CliFolder, cliFolder } from '../cli-harness.ts';

const UPLOADS = 'media.upload.created.v1';
const LETTERS = 'media.upload.dead-letter.v1';
const HOUR = 3_600_000;

let folder: CliFolder;
let log: Log;

beforeEach(async () => {
  folder = await cliFolder();
  await folder.run(['submit', 'a.mp4', 'b.mp4', 'c.mp4']);
  log = await openLog({ kind: 'sqlite', path: join(folder.path, '.firstfive/log.db') });
});
afterEach(async () => {
  await log.close();
  await folder.remove();
});

async function recordsOf(topic: string): Promise<readonly StreamRecord[]> {
  const found: StreamRecord[] = [];
  for await (const record of readToEnd(log, topic)) found.push(record);
  return found;
}

/** Makes dead letters of the submitted uploads, as the pipeline does. */
async function kill(
  cases: Readonly<Record<string, { code: ErrorCode; stage: string; ageMs: number }>>,
): Promise<void> {
  for (const record of await recordsOf(UPLOADS)) {
    const cause = cases[keyOf(record)];
    if (cause === undefined) continue;
    const at = Date.now() - cause.ageMs;
    const letter = deadLetterRecord(
      { ...record, headers: [['traceparent', new Uint8Array([48])]] },
      {
        topic: LETTERS,
        ...cause,
        message: 'why \x1b[31m',
        attempts: 2,
        firstFailureAt: at - 5,
        lastFailureAt: at,
      },
    );
    await log.append([letter]);
  }
}

function keyOf(record: StreamRecord): string {
  return new TextDecoder().decode(record.key ?? new Uint8Array());
}

const three = {
  a: { code: 'MEDIA_NOT_FOUND', stage: 'extract', ageMs: 0 },
  b: { code: 'DECODE_TIMEOUT', stage: 'extract', ageMs: 0 },
  c: { code: 'VALUE_NOT_FINITE', stage: 'score', ageMs: 2 * HOUR },
} as const;

describe('dlq ls', () => {
  it('lists nothing before anything has failed', async () => {
    expect(await folder.run(['dlq', 'ls'])).toMatchObject({ code: 0, stdout: '' });
  });

  it('says what failed where, when, why and how often', async () => {
    await kill(three);
    const listed = (await folder.run(['dlq', 'ls', '--json'])).json();
    expect(listed).toHaveLength(3);
    const a = listed.find(({ uploadId }) => uploadId === 'a');
    expect(a).toMatchObject({ code: 'MEDIA_NOT_FOUND', stage: 'extract', attempts: 2, redriven: false });
    expect(a?.origin).toMatchObject({ topic: UPLOADS });
    const { stdout } = await folder.run(['dlq', 'ls']);
    expect(stdout).toMatch(/^\d\/0 {2}\S+Z {2}MEDIA_NOT_FOUND {2}extract {2}a {2}2 attempts$/m);
  });

  it.each([
    [['--code', 'DECODE_TIMEOUT'], ['b']],
    [['--stage', 'score'], ['c']],
    [
      ['--since', '1h'],
      ['a', 'b'],
    ],
    [['--upload', 'c'], ['c']],
    [['--stage', 'extract', '--upload', 'c'], []],
    [['--until', '1h'], ['c']],
    [['--since', '3h', '--until', '1h'], ['c']],
    [
      ['--origin', UPLOADS],
      ['a', 'b', 'c'],
    ],
    [['--origin', 'media.upload.extracted.v1'], []],
  ])('takes %j', async (filter, expected) => {
    await kill(three);
    const listed = (await folder.run(['dlq', 'ls', '--json', ...filter])).json();
    expect(listed.map(({ uploadId }) => uploadId).sort()).toEqual(expected);
  });

  it('stops after --max, and refuses a code that does not exist', async () => {
    await kill(three);
    expect((await folder.run(['dlq', 'ls', '--json', '--max', '2'])).json()).toHaveLength(2);
    expect((await folder.run(['dlq', 'ls', '--json', '--limit', '2'])).json()).toHaveLength(2);
    expect(await folder.run(['dlq', 'ls', '--limit', '2', '--max', '2'])).toMatchObject({ code: 2 });
    expect(await folder.run(['dlq', 'ls', '--code', 'NONE'])).toMatchObject({ code: 2 });
  });
});

describe('dlq show', () => {
  it('shows the record itself, decoded, and its bytes with --json', async () => {
    await kill(three);
    const [listed] = (await folder.run(['dlq', 'ls', '--json', '--upload', 'a'])).json();
    const id = String(listed?.id);
    const [shown] = (await folder.run(['dlq', 'show', id, '--json'])).json();
    expect(shown).toMatchObject({
      id,
      code: 'MEDIA_NOT_FOUND',
      value: { uploadId: 'a' },
      headers: { traceparent: '0' },
    });
    const original = (await recordsOf(UPLOADS)).find((record) => keyOf(record) === 'a');
    expect(shown?.valueBase64).toBe(Buffer.from(original?.value ?? []).toString('base64'));
    expect((await folder.run(['dlq', 'show', id])).stdout).not.toContain('\x1b');
  });

  it('says that there is no such dead letter', async () => {
    expect(await folder.run(['dlq', 'show', '0/99'])).toMatchObject({ code: 2 });
  });
});

describe('dlq redrive', () => {
  const redriveAll = (...args: string[]) => folder.run(['dlq', 'redrive', ...args]);

  it('sends the original bytes, headers and time to the original topic', async () => {
    const [before] = (await recordsOf(UPLOADS)).filter((record) => keyOf(record) === 'a');
    await kill({ a: three.a });
    expect((await redriveAll()).stderr).toBe('1 matched, 1 redriven, 0 skipped (redriven before)\n');
    const after = (await recordsOf(UPLOADS)).filter((record) => keyOf(record) === 'a');
    expect(after).toHaveLength(2);
    const { key, value, timestamp, partition, headers } = after[1] ?? before ?? {};
    expect({ key, value, timestamp, partition }).toEqual({
      key: before?.key,
      value: before?.value,
      timestamp: before?.timestamp,
      partition: before?.partition,
    });
    const letter = (await recordsOf(LETTERS))[0];
    const from = `${LETTERS}/${letter?.partition}/${letter?.offset}`;
    expect(headers).toEqual([
      ['traceparent', new Uint8Array([48])],
      ['ff-redriven-from', new Uint8Array(Buffer.from(from))],
    ]);
  });

  it('sends each dead letter once, however often it is run', async () => {
    await kill(three);
    await redriveAll('--stage', 'extract');
    expect((await redriveAll()).stderr).toBe('3 matched, 1 redriven, 2 skipped (redriven before)\n');
    expect((await redriveAll()).stderr).toBe('3 matched, 0 redriven, 3 skipped (redriven before)\n');
    expect(await recordsOf(UPLOADS)).toHaveLength(6);
    expect((await folder.run(['dlq', 'ls'])).stdout.match(/ redriven$/gm)).toHaveLength(3);
    expect((await redriveAll('--again', '--upload', 'a')).stderr).toMatch(/^1 matched, 1 redriven/);
    expect(await recordsOf(UPLOADS)).toHaveLength(7);
  });

  it('sends a dead letter of a redriven record again: it is another one', async () => {
    await kill({ a: three.a });
    await redriveAll();
    const redriven = (await recordsOf(UPLOADS)).filter((record) => keyOf(record) === 'a').at(-1);
    if (redriven === undefined) return expect.unreachable();
    const { code, stage } = three.a;
    const at = Date.now();
    await log.append([
      deadLetterRecord(redriven, {
        topic: LETTERS,
        code,
        stage,
        message: '',
        attempts: 1,
        firstFailureAt: at,
        lastFailureAt: at,
      }),
    ]);
    expect((await redriveAll()).stderr).toBe('2 matched, 1 redriven, 1 skipped (redriven before)\n');
    const again = (await recordsOf(UPLOADS)).filter((record) => keyOf(record) === 'a').at(-1);
    expect(again?.headers.filter(([name]) => name === 'ff-redriven-from')).toHaveLength(1);
  });

  it('sends nothing in a dry run', async () => {
    await kill(three);
    const run = await redriveAll('--dry-run', '--json');
    expect(run.json()).toHaveLength(3);
    expect(run.stderr).toBe('3 matched, 3 would be redriven, 0 skipped (redriven before)\n');
    expect(await recordsOf(UPLOADS)).toHaveLength(3);
    expect((await redriveAll()).stderr).toMatch(/3 redriven/);
  });

  it('sends only the ids named, and at most --max', async () => {
    await kill(three);
    const ids = (await folder.run(['dlq', 'ls', '--json'])).json().map(({ id }) => String(id));
    expect((await redriveAll(ids[1] ?? '')).stderr).toMatch(/^1 matched, 1 redriven/);
    expect((await redriveAll('--max', '1')).stderr).toMatch(/ 1 redriven/);
    expect(await recordsOf(UPLOADS)).toHaveLength(5);
  });

  it('commits record and marker together: after a failed commit both are missing', async () => {
    await kill(three);
    const [topic] = await log.admin.describeTopics([LETTERS]);
    if (topic === undefined) return expect.unreachable();
    const request = { topic, filter: {}, ids: [], max: 10, again: false, dryRun: false, now: Date.now() };
    const failing: Log = {
      admin: log.admin,
      append: (records) => log.append(records),
      openReader: (topics, from) => log.openReader(topics, from),
      close: async () => {},
      join: async (options) => {
        const member = await log.join(options);
        return Object.assign(Object.create(member) as typeof member, {
          commit: async () => Promise.reject(new Error('the disk is full')),
          leave: () => member.leave(),
        });
      },
    };
    await expect(redrive(failing, request, async () => {})).rejects.toThrow('the disk is full');
    expect(await recordsOf(UPLOADS)).toHaveLength(3);
    expect(await redrive(log, request, async () => {})).toEqual({ matched: 3, redriven: 3, skipped: 0 });
  });

  it('is refused while another redrive of the topic runs', async () => {
    await kill(three);
    await redriveAll('--max', '1');
    const listener = { onAssigned: async () => {}, onRevoked: async () => {} };
    const member = await log.join({
      groupId: `${LETTERS}.redrive`,
      topics: [`${LETTERS}.redriven`],
      slot: '0',
      listener,
    });
    expect(await redriveAll()).toMatchObject({ code: 78, stderr: expect.stringContaining('GROUP_IN_USE') });
    await member.leave();
    expect(await redriveAll()).toMatchObject({ code: 0 });
  });
});
