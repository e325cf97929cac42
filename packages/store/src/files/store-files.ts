import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { startBackgroundJob, type BackgroundJob } from './background-job.ts';
import type { FilePath } from './file-path.ts';
import { writeMarkers, type Markers } from './markers.ts';

/**
 * Every operation by which the layer store and the mounter change the disk, one system call each as far as possible, so
 * that tests can let a process die between any two of them. All throw the system's error. Nothing here follows a
 * symlink in the last part of a path.
 */
export interface StoreFiles {
  /** The parent must be there; EEXIST when the path is. */
  makeDir(path: FilePath, mode: number): void;
  /** Makes a directory that nobody else has, `<prefix>XXXXXX`, and returns its path. */
  makeUniqueDir(prefix: string): string;
  rename(from: FilePath, to: FilePath): void;
  link(from: FilePath, to: FilePath): void;
  /**
   * Content only, into a new file, of which nothing is left where it fails; shares blocks where the file system can.
   */
  copy(from: FilePath, to: FilePath): void;
  /** The same with a part of a file. Returns how many bytes there were: fewer where the file ends. */
  copyRange(from: FilePath, range: FileRange, to: FilePath): number;
  /**
   * A directory with all that is in it and all that a mount noted on it; `to` must not be there. Somebody may be
   * writing there.
   */
  copyTree(from: string, to: string): void;
  /** A new file. */
  write(path: FilePath, content: Uint8Array): void;
  /** A new file whose content is on the disk when this returns. */
  writeSynced(path: string, content: Uint8Array): void;
  syncDir(path: string): void;
  symlink(target: Uint8Array, path: FilePath): void;
  unlink(path: FilePath): void;
  removeDir(path: FilePath): void;
  setMode(path: FilePath, mode: number): void;
  setOwner(path: FilePath, owner: Owner): void;
  /** Both times, to a microsecond or better: Node takes seconds as a floating-point number. */
  setTime(path: FilePath, mtimeNs: bigint): void;
  /** Makes whiteouts and marks directories. */
  mark(root: string, markers: Markers): void;
  start(job: BackgroundJob): void;
}

export interface FileRange {
  readonly at: number;
  readonly sizeBytes: number;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const rangeChunkBytes = 1_048_576;

function copyRange(from: FilePath, { at, sizeBytes }: FileRange, to: FilePath): number {
  const source = fs.openSync(from, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    const target = fs.openSync(to, 'wx', 0o600);
    try {
      const chunk = Buffer.allocUnsafe(Math.min(sizeBytes, rangeChunkBytes));
      let done = 0;
      while (done < sizeBytes) {
        const got = fs.readSync(source, chunk, 0, Math.min(chunk.length, sizeBytes - done), at + done);
        if (got === 0) break;
        for (let written = 0; written < got;) written += fs.writeSync(target, chunk, written, got - written);
        done += got;
      }
      return done;
    } catch (error) {
      fs.unlinkSync(to);
      throw error;
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
}

function copyTree(from: string, to: string): void {
  const { status, stderr, error } = spawnSync('cp', ['-a', '--reflink=auto', '--', from, to], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status === 0) return;
  const [line = ''] = stderr.split('\n');
  const code = /No space left|quota/i.test(stderr) ? 'ENOSPC' : 'EIO';
  throw Object.assign(new Error(`${code}: ${line.slice(0, 300)}`), { code });
}

export const realFiles: StoreFiles = {
  makeDir: (path, mode) => {
    fs.mkdirSync(path, { mode });
  },
  makeUniqueDir: (prefix) => fs.mkdtempSync(prefix),
  rename: (from, to) => {
    fs.renameSync(from, to);
  },
  link: (from, to) => {
    fs.linkSync(from, to);
  },
  copy: (from, to) => {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
  },
  copyRange,
  copyTree,
  write: (path, content) => {
    fs.writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
  },
  writeSynced: (path, content) => {
    fs.writeFileSync(path, content, { flag: 'wx', mode: 0o644, flush: true });
  },
  syncDir: (path) => {
    const directory = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      fs.fsyncSync(directory);
    } finally {
      fs.closeSync(directory);
    }
  },
  symlink: (target, path) => {
    fs.symlinkSync(Buffer.from(target), path);
  },
  unlink: (path) => {
    fs.unlinkSync(path);
  },
  removeDir: (path) => {
    fs.rmdirSync(path);
  },
  setMode: (path, mode) => {
    fs.chmodSync(path, mode);
  },
  setOwner: (path, { uid, gid }) => {
    fs.lchownSync(path, uid, gid);
  },
  setTime: (path, mtimeNs) => {
    const seconds = secondsOf(mtimeNs);
    fs.lutimesSync(path, seconds, seconds);
  },
  mark: writeMarkers,
  start: startBackgroundJob,
};

/** As Node takes times, to a microsecond. As text: for a negative number Node takes the time of day. */
export function secondsOf(ns: bigint): string {
  return String(Number(ns) / 1e9);
}
