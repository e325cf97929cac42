import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { childPath, limits, rootPath, type BytePath, type Change } from '@cachelane/core';
import { refused, throwIfAborted } from '../files/file-errors.ts';
import { byteNames } from '../files/file-path.ts';
import type { OpenAccess } from '../files/open-access.ts';

/** Everything in an upper directory, before its overlay marks are read. */
export interface UpperListing {
  /** Parents before children. `replaces` is always false. */
  readonly changes: readonly Change[];
  readonly directories: readonly BytePath[];
  /** Files that may have no content on disk: their blocks could be attributes only. */
  readonly hollow: readonly BytePath[];
}

const fileTypes = {
  mask: 0o170000,
  dir: 0o040000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
  fifo: 0o010000,
};

/** A 4 KiB block in units of 512 bytes. ext4 counts extended attributes outside the inode. */
const attributeBlocks = 8n;

/** Lists the whole tree below `access.root` without following symlinks. Leaves directories accessible that were not. */
export function walkUpper(access: OpenAccess, signal: AbortSignal): UpperListing {
  const changes: Change[] = [];
  const directories: BytePath[] = [];
  const hollow: BytePath[] = [];
  const pending: BytePath[] = [rootPath];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    throwIfAborted(signal);
    for (const name of access.run(directory, (file) => readdirSync(file, byteNames))) {
      const path = childPath(directory, name);
      if (path.length > limits.pathBytes) throw refused(path, `its path is over ${limits.pathBytes} bytes long`);
      const stat = access.run(path, (file) => lstatSync(file, { bigint: true }));
      const change = changeOf(access, path, stat);
      changes.push(change);
      if (change.kind === 'dir') {
        directories.push(path);
        pending.push(path);
      } else if (change.kind === 'file' && stat.size > 0n && stat.blocks <= attributeBlocks) {
        hollow.push(path);
      }
    }
  }
  return { changes, directories, hollow };
}

function changeOf(access: OpenAccess, path: BytePath, stat: BigIntStats): Change {
  const { mtimeNs } = stat;
  const mode = Number(stat.mode);
  const kept = (access.modeBefore(path) ?? mode) & 0o1777;
  switch (mode & fileTypes.mask) {
    case fileTypes.file:
      return { kind: 'file', path, mode: kept, mtimeNs, sizeBytes: Number(stat.size) };
    case fileTypes.dir:
      return { kind: 'dir', path, mode: kept, mtimeNs, replaces: false };
    case fileTypes.symlink:
      return { kind: 'symlink', path, mtimeNs, target: access.run(path, (file) => readlinkSync(file, 'buffer')) };
    case fileTypes.socket:
      return { kind: 'special', path, what: 'socket' };
    case fileTypes.fifo:
      return { kind: 'special', path, what: 'fifo' };
    default:
      // The kernel's whiteout is a character device with number 0:0, which has no other use.
      return stat.isCharacterDevice() && stat.rdev === 0n
        ? { kind: 'removed', path }
        : { kind: 'special', path, what: 'device' };
  }
}
