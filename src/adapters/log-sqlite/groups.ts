/** Rows of consumer groups: owner, epoch and committed offsets. All writes run inside a transaction of the caller. */
import type { PartitionOffset } from '../../runtime/log.ts';
import type { PartitionRef } from './catalog.ts';
import type { Database } from './database.ts';

export interface GroupOwner {
  /** Grows by one with each member that joins; the newest one owns the group. */
  readonly epoch: number;
  /** Grows by one with each commit of the group; tells a member whether a commit of unknown outcome took place. */
  readonly commits: number;
  readonly pid: number;
}

export function readOwner(db: Database, groupId: string): GroupOwner | undefined {
  const row = db.statement('SELECT epoch, commits, owner_pid FROM groups WHERE group_id = ?').get(groupId);
  if (row === undefined) return undefined;
  const [epoch, commits, pid] = row as unknown as [number, number, number];
  return { epoch, commits, pid };
}

export function takeOwnership(db: Database, groupId: string, slot: string): GroupOwner {
  db.statement(
    `INSERT INTO groups VALUES (?, 1, 0, ?, ?)
     ON CONFLICT DO UPDATE SET epoch = epoch + 1, owner_pid = excluded.owner_pid, owner_slot = excluded.owner_slot`,
  ).run(groupId, process.pid, slot);
  const owner = readOwner(db, groupId);
  if (owner === undefined) throw new Error('a row just written is not there');
  return owner;
}

export function countCommit(db: Database, groupId: string): void {
  db.statement('UPDATE groups SET commits = commits + 1 WHERE group_id = ?').run(groupId);
}

export function saveOffsets(db: Database, groupId: string, offsets: readonly PartitionOffset[]): void {
  const save = db.statement(
    'INSERT INTO group_offsets VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset',
  );
  for (const at of offsets) save.run(groupId, at.topic, at.partition, Number(at.offset));
}

export function committedOffset(db: Database, groupId: string, ref: PartitionRef): number | undefined {
  const row = db
    .statement('SELECT next_offset FROM group_offsets WHERE group_id = ? AND topic = ? AND partition = ?')
    .get(groupId, ref.topic, ref.partition) as unknown as [number] | undefined;
  return row?.[0];
}

export function committedOffsets(db: Database, groupId: string): PartitionOffset[] {
  const rows = db
    .statement(
      'SELECT topic, partition, next_offset FROM group_offsets WHERE group_id = ? ORDER BY topic, partition',
    )
    .all(groupId) as unknown as [string, number, number][];
  return rows.map(([topic, partition, offset]) => ({ topic, partition, offset: BigInt(offset) }));
}
