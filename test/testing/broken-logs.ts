/** Logs that break a promise of the port, each in one way: what a run under chaos has to find. */
import type { CommitUnit, GroupMember, GroupOptions, Log } from '../../src/runtime/log.ts';

type Break = (member: GroupMember, log: Log) => Partial<GroupMember>;

/** The log with some calls of its members replaced. */
function breaking(replace: Break): (log: Log) => Log {
  return (log) =>
    delegate(log, async (options) => {
      const member = await log.join(options);
      return { ...member, ...replace(member, log) };
    });
}

function delegate(log: Log, join: (options: GroupOptions) => Promise<GroupMember>): Log {
  return {
    admin: log.admin,
    join,
    append: (records) => log.append(records),
    openReader: (topics, from) => log.openReader(topics, from),
    close: () => log.close(),
  };
}

/** Every few commits, so that most of the run looks well. */
function sometimes(): () => boolean {
  let calls = 0;
  return () => ++calls % 7 === 0;
}

export const BROKEN_LOGS: Readonly<Record<string, (log: Log) => Log>> = {
  'commits offsets without the outputs': breaking((member) => {
    const now = sometimes();
    return { commit: (unit) => member.commit(now() ? { ...unit, outputs: [] } : unit) };
  }),
  'commits outputs without the offsets': breaking((member) => {
    const now = sometimes();
    return { commit: (unit) => member.commit(now() ? { ...unit, offsets: [] } : unit) };
  }),
  'writes the outputs in one step and the offsets in another': breaking((member, log) => ({
    commit: async (unit) => {
      await log.append(unit.outputs);
      await member.commit({ outputs: [], offsets: unit.offsets });
    },
  })),
  'moves the offsets before the outputs': breaking((member, log) => ({
    commit: async (unit) => {
      await member.commit({ outputs: [], offsets: unit.offsets });
      await log.append(unit.outputs);
    },
  })),
  'commits an offset too far': breaking((member) => {
    const now = sometimes();
    const further = ({ offsets }: CommitUnit) => offsets.map((at) => ({ ...at, offset: at.offset + 1n }));
    return { commit: (unit) => member.commit(now() ? { ...unit, offsets: further(unit) } : unit) };
  }),
  'reads past a record': breaking((member) => {
    const now = sometimes();
    return {
      poll: async (request) => {
        const records = await member.poll(request);
        return now() && records.length > 1 ? records.toSpliced(records.length - 2, 1) : records;
      },
    };
  }),
  'writes a unit again when its answer was lost': breaking((member, log) => ({
    commit: async (unit) => {
      try {
        await member.commit(unit);
      } catch (thrown) {
        if ((thrown as { code?: string }).code === 'LOG_UNAVAILABLE') await log.append(unit.outputs);
        throw thrown;
      }
    },
  })),
  'does not fence: outputs land although the partition moved on': breaking((member, log) => ({
    commit: async (unit) => {
      try {
        await member.commit(unit);
      } catch (thrown) {
        const { code } = thrown as { code?: string };
        if (code === 'LOG_FENCED' || code === 'LOG_ABORTED') await log.append(unit.outputs);
        throw thrown;
      }
    },
  })),
  'says that a commit took place which was aborted': breaking((member) => ({
    commit: async (unit) => {
      try {
        await member.commit(unit);
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== 'LOG_ABORTED') throw thrown;
      }
    },
  })),
  'forgets the emissions of the former owner': (log) => ({
    ...delegate(log, (options) => log.join(options)),
    openReader: (topics) => log.openReader(topics, { at: 'end' }),
  }),
  'starts a partition one record too late': breaking((member) => {
    let polls = 0;
    return {
      poll: async (request) => {
        const records = await member.poll(request);
        return records.length > 0 && ++polls === 1 ? records.slice(1) : records;
      },
    };
  }),
};
