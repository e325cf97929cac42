import { hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Returns every path below a directory with type, mode, owner, inode, change time and contents. Any change makes a difference. */
export function treeOf(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(dir, name);
      const { mode, uid, gid, ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
      const kind = lstatSync(path);
      const content = kind.isFile()
        ? hash('sha256', readFileSync(path))
        : kind.isSymbolicLink()
          ? readlinkSync(path)
          : '';
      return [name, mode.toString(8), uid, gid, ino, size, mtimeNs, ctimeNs, content].join(' ');
    });
}
