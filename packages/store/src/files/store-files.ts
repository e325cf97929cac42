import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { startBackgroundJob, type BackgroundJob } from './background-job.ts';
import type { FilePath } from './file-path.ts';
import { writeMarkers, type Markers } from './markers.ts';

/**
 * Every operation with which the layer store and the mounters change the disk, mostly one system call each, so that
 * tests can kill a process between any two. All throw system errors. None follows a symlink in the last part of a
 * path.
 */
export interface StoreFiles {
  /** The parent must exist. Throws EEXIST if the path exists. */
  makeDir(path: FilePath, mode: number): void;
  /** Creates a directory with a unique name, `<prefix>XXXXXX`, and returns its path. */
  makeUniqueDir(prefix: string): string;
  rename(from: FilePath, to: FilePath): void;
  link(from: FilePath, to: FilePath): void;
  /** Copies content into a new file, sharing blocks where possible. Deletes the new file on failure. */
  copy(from: FilePath, to: FilePath): void;
  /** Copies a part of a file. Returns the number of bytes copied, fewer at the end of the file. */
  copyRange(from: FilePath, range: FileRange, to: FilePath): number;
  /**
   * Copies a directory with all contents and overlay attributes. `to` must not exist. Other processes may write in
   * `from`.
   */
  copyTree(from: string, to: string): void;
  /** Creates a new file. */
  write(path: FilePath, content: Uint8Array): void;
  /** Creates a new file and syncs its content to the disk. */
  writeSynced(path: string, content: Uint8Array): void;
  syncDir(path: string): void;
  symlink(target: Uint8Array, path: FilePath): void;
  unlink(path: FilePath): void;
  removeDir(path: FilePath): void;
  setMode(path: FilePath, mode: number): void;
  setOwner(path: FilePath, owner: Owner): void;
  /** Sets both times, to a microsecond or better: Node takes seconds as a floating-point number. */
  setTime(path: FilePath, mtimeNs: bigint): void;
  /** Creates whiteouts and marks directories. */
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

/**
 * Returns seconds as Node takes times, to a microsecond. As text, because Node replaces a negative number by the
 * current time.
 */
export function secondsOf(ns: bigint): string {
  return String(Number(ns) / 1e9);
}
