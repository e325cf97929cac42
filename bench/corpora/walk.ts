import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the relative paths of all regular files below the root, in a stable order. */
export function regularFiles(root: string): readonly string[] {
  const found: string[] = [];
  const pending = [''];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) found.push(path);
    }
  }
  return found.toSorted();
}
