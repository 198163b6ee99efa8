/** Where the system's own tools are. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** The system's folders only: PATH is the user's, and so might be a tool in it. */
export const SYSTEM_PATH = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'] as const;

export function findTool(name: string): string | undefined {
  return SYSTEM_PATH.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
