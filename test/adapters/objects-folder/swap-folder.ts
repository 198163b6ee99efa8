/** Until it is killed: turns `<dir>/media/sub` into a link to `<dir>/media-evil` and back, at moments that vary. */
import { renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.argv[2] ?? '';
const [victim, link, aside] = [
  join(dir, 'media', 'sub'),
  join(dir, 'media', 'link'),
  join(dir, 'media', 'aside'),
];
symlinkSync(join(dir, 'media-evil'), link);
process.stdout.write('started\n');
for (let i = 0; ; i++) {
  rest(100 + ((i * 37) % 400));
  renameSync(victim, aside);
  renameSync(link, victim);
  rest(50 + ((i * 53) % 300));
  renameSync(victim, link);
  renameSync(aside, victim);
}

/** Microseconds; sleeping is too coarse. */
function rest(us: number): void {
  const end = performance.now() + us / 1000;
  while (performance.now() < end);
}
