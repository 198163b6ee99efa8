/**
 * The wall by unshare(1), mount(8), pivot_root(8) and setpriv(1), for machines without bubblewrap.
 *
 * U1. A shell is the first process behind the wall. It builds the new root on a small tmpfs, makes every mount in it
 *     read-only, changes the root, detaches the old one, and starts the program without any capability.
 * U2. When unshare dies, the kernel kills the shell (`--kill-child`), and with it everything behind the wall. A program that
 *     dies by signal n makes the shell, and so unshare, end with 128 + n.
 */
import { realpathSync } from 'node:fs';
import type { MountPlan } from './mounts.ts';
import { findTool, SYSTEM_PATH } from './tools.ts';

export const UNSHARE_TOOLS = [
  ...['unshare', 'sh', 'mount', 'umount', 'mkdir', 'ln', 'pivot_root', 'setpriv'],
] as const;

/** Tools that run when the old root is gone. */
const TOOLS_BEHIND = ['mount', 'umount', 'setpriv'] as const;

/**
 * Arguments: kind, path and link target of every mount, `--`, the program. The new root is built below /sys, which holds nothing
 * that the program needs. Mounts below a folder come along (`--rbind`: the kernel does not let a part be shown that was hidden),
 * and are made read-only one by one; the kernel writes their paths with `\\040` for a space (proc(5)), which printf knows as `\\0040` only. Flags that a mount already has cannot be taken from it, so `noexec` is tried too.
 */
const SCRIPT = `
set -eu
PATH=${SYSTEM_PATH.join(':')}
base=/sys/firstfive
mount -t tmpfs -o size=64k,mode=755 firstfive /sys
mkdir "$base"
mount -t tmpfs -o size=1m,mode=755 firstfive "$base"
while [ "$1" != -- ]; do
  kind=$1 path=$2 target=$3
  shift 3
  mkdir -p "$base\${path%/*}"
  case $kind in
    link) ln -s "$target" "$base$path" ;;
    folder) mkdir -p "$base$path"; mount --rbind "$path" "$base$path" ;;
    file) : > "$base$path"; mount --bind "$path" "$base$path" ;;
  esac
done
shift
mkdir "$base/proc" "$base/old"
mount -t proc -o nosuid,nodev,noexec proc "$base/proc"
while read -r _ _ _ _ point _; do
  decoded=
  while :; do
    case $point in *\\\\*) ;; *) break ;; esac
    decoded=$decoded\${point%%\\\\*}\\\\0
    point=\${point#*\\\\}
  done
  point=$(printf '%b' "$decoded$point")
  case $point in
    "$base"/proc | "$base"/dev/*) ;;
    "$base"/*)
      mount -o remount,bind,ro,nosuid,nodev "$point" 2>/dev/null ||
        mount -o remount,bind,ro,nosuid,nodev,noexec "$point" ;;
  esac
done < /proc/self/mountinfo
echo 0 > "$base/proc/sys/user/max_user_namespaces"
cd "$base"
pivot_root . old
umount -l /old
mount -o remount,ro /
unset PWD OLDPWD
"$@"
exit $?
`;

export function unshareCommand(command: readonly string[], plan: MountPlan): readonly string[] {
  const tools = TOOLS_BEHIND.flatMap((name) => findTool(name) ?? []);
  const mounts = [
    ...plan,
    ...tools.map((path) => ({ kind: 'file' as const, path: realpathSync(path) })),
    { kind: 'file' as const, path: '/dev/null' },
  ];
  return [
    findTool('unshare') ?? 'unshare',
    ...['--user', '--map-root-user', '--mount', '--net', '--pid', '--ipc', '--uts'],
    ...['--fork', '--kill-child=SIGKILL', '--', findTool('sh') ?? 'sh', '-c', SCRIPT, 'sh'],
    ...mounts.flatMap((mount) => [mount.kind, mount.path, mount.kind === 'link' ? mount.target : '']),
    '--',
    ...[findTool('setpriv') ?? 'setpriv', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
    ...command,
  ];
}
