import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of all regular files below the root, relative to it, in a stable order. */
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
