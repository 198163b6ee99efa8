/** The wall by bubblewrap (bwrap(1)). */
import type { MountPlan } from './mounts.ts';

export function bwrapCommand(bwrap: string, command: readonly string[], plan: MountPlan): readonly string[] {
  return [
    bwrap,
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'],
    ...['--unshare-cgroup-try', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...plan.flatMap((mount) =>
      mount.kind === 'link' ? ['--symlink', mount.target, mount.path] : ['--ro-bind', mount.path, mount.path],
    ),
    ...['--dev-bind', '/dev/null', '/dev/null', '--proc', '/proc', '--remount-ro', '/', '--chdir', '/'],
    '--',
    ...command,
  ];
}
