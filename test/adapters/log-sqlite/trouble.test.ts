import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Appender } from '../../../src/adapters/log-sqlite/appender.ts';
import { Catalog } from '../../../src/adapters/log-sqlite/catalog.ts';
import { Database } from '../../../src/adapters/log-sqlite/database.ts';
import { SqliteGroupMember } from '../../../src/adapters/log-sqlite/group-member.ts';
import { takeOwnership } from '../../../src/adapters/log-sqlite/groups.ts';
import { LAYOUT_VERSION } from '../../../src/adapters/log-sqlite/layout.ts';
import { WakeUp } from '../../../src/adapters/log-sqlite/wake-up.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { numbered, output, QUIET, readAll, take, text } from '../../contract/log-harness.ts';
import { temporaryLog, topicSpec } from './temporary-log.ts';

it('refuses a log of a newer layout and leaves it as it is', async () => {
  const temporary = await temporaryLog();
  await (await temporary.open()).close();
  const raw = new DatabaseSync(temporary.path);
  raw.exec(`PRAGMA user_version = ${LAYOUT_VERSION + 1}`);
  raw.close();
  await expect(temporary.open()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('newer'),
  });
});

it('upgrades a log of the first layout, and keeps what lies in it', async () => {
  const temporary = await temporaryLog();
  const before = await temporary.open();
  await before.admin.ensureTopics([topicSpec('t')]);
  await before.append(numbered('t', 3));
  await before.close();
  const raw = new DatabaseSync(temporary.path);
  raw.exec('ALTER TABLE topics DROP COLUMN max_record_bytes; PRAGMA user_version = 1');
  raw.close();
  const after = await temporary.open();
  expect(await readAll(after, 't')).toHaveLength(3);
  await after.admin.ensureTopics([{ ...topicSpec('t'), maxRecordBytes: 500 }]);
  expect((await after.admin.describeTopics(['t']))[0]).toMatchObject({ maxRecordBytes: 500 });
});

it("refuses another program's database", async () => {
  const temporary = await temporaryLog();
  const raw = new DatabaseSync(temporary.path);
  raw.exec('CREATE TABLE theirs (x)');
  raw.close();
  await expect(temporary.open()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

it('says that a file which is no database is not a log, and does not overwrite it', async () => {
  const temporary = await temporaryLog();
  writeFileSync(temporary.path, 'my holiday diary '.repeat(500));
  await expect(temporary.open()).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
    message: expect.stringContaining('not a log'),
  });
  expect(readFileSync(temporary.path, 'utf8')).toMatch(/^my holiday diary/);
});

it('says that a damaged file is damaged', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('t')]);
  for (let i = 0; i < 5; i++) await log.append(numbered('t', 1_000));
  await log.close();
  const bytes = readFileSync(temporary.path);
  bytes.fill(0xa5, 40_000, bytes.length - 4_096);
  writeFileSync(temporary.path, bytes);
  const reading = (async () => readAll(await temporary.open(), 't'))();
  await expect(reading).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
    message: expect.stringContaining('damaged'),
  });
});

it('is LOG_UNAVAILABLE where its folder cannot be', async () => {
  const temporary = await temporaryLog();
  writeFileSync(`${temporary.path}.d`, '');
  await expect(temporary.open({ path: `${temporary.path}.d/log.db` })).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
  });
});

it('notices that its file was removed, instead of writing into the void', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('t')]);
  rmSync(temporary.path);
  await expect(log.append(numbered('t', 1))).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
    message: expect.stringContaining('removed'),
  });
});

it('is readable by its owner only', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('t')]);
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(temporary.path + suffix).mode & 0o077).toBe(0);
});

it('waits for a busy log without blocking, and gives up after its deadline', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open({ busyDeadlineMs: 300 });
  await log.admin.ensureTopics([topicSpec('t')]);
  const raw = new DatabaseSync(temporary.path);
  raw.exec('BEGIN IMMEDIATE');
  await expect(log.append(numbered('t', 1))).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
    kind: 'systemic',
  });
  expect(await readAll(log, 't')).toEqual([]);
  const waiting = log.append(numbered('t', 1));
  setTimeout(() => raw.exec('COMMIT'), 50);
  expect(await waiting).toHaveLength(1);
  raw.close();
});

it('keeps every append whole when the disk is full, and goes on when there is room again', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in')]);
  await log.close();
  const program = fileURLToPath(new URL('./programs/append.ts', import.meta.url));
  // A file size limit fails writes as a full disk does; the signal that comes with it is ignored.
  const command = `trap '' XFSZ; ulimit -f 3000; exec "${process.execPath}" "${program}" "${temporary.path}" in 0 100000 500`;
  let failure = '';
  try {
    execFileSync('sh', ['-c', command], { stdio: 'pipe' });
  } catch (thrown) {
    failure = String((thrown as { stderr: Buffer }).stderr);
  }
  expect(failure).toContain('LOG_UNAVAILABLE');
  const again = await temporary.open();
  const kept = await readAll(again, 'in');
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length % 500).toBe(0);
  await again.append(numbered('in', 1));
}, 60_000);

it('refuses records that are too large for it', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open({ maxRecordBytes: 100 });
  await log.admin.ensureTopics([topicSpec('t')]);
  await expect(log.append([output('t', 'k', 'x'.repeat(100))])).rejects.toMatchObject({
    code: 'RECORD_TOO_LARGE',
    kind: 'terminal',
  });
  const headers = [['why', new Uint8Array(500)]] as const;
  await log.append([output('t', 'k', 'x'.repeat(99), { headers })]);
});

it('refuses records larger than their topic takes, headers included, also in another process', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([{ ...topicSpec('small'), maxRecordBytes: 300 }, topicSpec('other')]);
  const other = await temporary.open();
  const headers = [['why', new Uint8Array(300)]] as const;
  for (const one of [log, other]) {
    await expect(one.append([output('small', 'k', 'x'.repeat(300))])).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
    });
    await expect(one.append([output('small', 'k', 'x', { headers })])).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
    });
    await one.append([output('small', 'k', 'x'.repeat(200)), output('other', 'k', 'x'.repeat(300))]);
  }
  await log.admin.ensureTopics([{ ...topicSpec('small'), maxRecordBytes: 3_000 }]);
  await log.append([output('small', 'k', 'x'.repeat(300))]);
  await expect(
    log.admin.ensureTopics([{ ...topicSpec('small'), maxRecordBytes: 0.5 }]),
  ).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});

it('says that it was closed', async () => {
  const log = await (await temporaryLog()).open();
  await log.close();
  await expect(log.append([output('t', 'k', 'x')])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await log.close();
});

it('reads a partition again when another one failed in the same poll (F3)', async () => {
  const temporary = await temporaryLog();
  const clock = { now: 0 };
  const log = await temporary.open({ now: () => clock.now });
  await log.admin.ensureTopics([topicSpec('a'), topicSpec('b', { retentionMs: 1 })]);
  await log.append([output('a', 'k', 'kept'), output('b', 'k', 'expires')]);
  const member = await log.join({ groupId: 'g', topics: ['a', 'b'], slot: '0', listener: QUIET });
  clock.now = 1_000;
  await log.admin.clean();
  const poll = { maxRecords: 10, maxBytes: 1_000, maxWaitMs: 0 };
  await expect(member.poll(poll)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  member.pause([{ topic: 'b', partition: 0 }]);
  expect((await take(member, 1)).map((record) => text(record.value))).toEqual(['kept']);
});

it('announces its assignment again when the listener failed', async () => {
  const log = await (await temporaryLog()).open();
  await log.admin.ensureTopics([topicSpec('t')]);
  await log.append(numbered('t', 1));
  let calls = 0;
  const onAssigned = async () => {
    if (++calls === 1) throw new FirstFiveError('STORE_UNAVAILABLE', 'not now');
  };
  const member = await log.join({
    groupId: 'g',
    topics: ['t'],
    slot: '0',
    listener: { ...QUIET, onAssigned },
  });
  await expect(take(member, 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await take(member, 1)).toHaveLength(1);
  expect(calls).toBe(2);
});

/** Runs a transaction and then loses the answer, once. */
class ForgetfulDatabase extends Database {
  forget = false;

  override async transact<T>(work: () => T): Promise<T> {
    const result = await super.transact(work);
    if (!this.forget) return result;
    this.forget = false;
    throw new FirstFiveError('LOG_UNAVAILABLE', 'the answer was lost');
  }
}

it('does not double a commit whose answer was lost when it is committed again (M3)', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('t')]);
  const db = new ForgetfulDatabase({ path: temporary.path, synchronous: 'FULL', busyDeadlineMs: 1_000 });
  const catalog = new Catalog(db);
  const member = await db.transact(
    () =>
      new SqliteGroupMember(
        { groupId: 'g', topics: ['t'], slot: '0', listener: QUIET },
        {
          db,
          appender: new Appender(db, catalog, { maxRecordBytes: 1_000, now: () => 1 }),
          wakeUp: new WakeUp(db, 10),
          lock: { release: () => {} },
          owner: takeOwnership(db, 'g', '0'),
          refs: catalog.topic('t').refs,
          onLeft: () => {},
        },
      ),
  );
  const unit = (value: string) => ({ outputs: [output('t', 'k', value)], offsets: [] });
  const lost = unit('lost answer');
  const values = async () => (await readAll(log, 't')).map((record) => text(record.value));
  db.forget = true;
  await expect(member.commit(lost)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await member.commit(lost);
  await member.commit(unit('next'));
  expect(await values()).toEqual(['lost answer', 'next']);
  db.forget = true;
  await expect(member.commit(unit('given up'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await expect(member.commit(unit('another'))).rejects.toMatchObject({ code: 'LOG_FENCED' });
  expect(await values()).toEqual(['lost answer', 'next', 'given up']);
  db.close();
});
