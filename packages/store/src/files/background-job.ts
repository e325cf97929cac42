import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { backgroundVariable, closeInherited } from '@cachelane/core';

/** Work that continues after this process ends. Nothing waits for it. If it fails, a later sweep repeats it. */
export type BackgroundJob =
  /** Syncs the data of one home's layers to the disk, then marks each: {@link settledMark}. */
  | { readonly kind: 'settle'; readonly marks: readonly [string, ...string[]] }
  /** Frees the space of a directory in the trash. */
  | { readonly kind: 'remove'; readonly dir: string };

/**
 * Returns the file that marks a layer's content as synced to disk. An image and the tree extracted from it have
 * separate marks.
 */
export function settledMark(layerDir: string, form: 'tree' | 'image'): string {
  return `${layerDir}/${form === 'tree' ? 'settled' : 'settled-image'}`;
}

// Skips layers that were deleted in the meantime.
const settleScript = `sync -f "\${1%/*/*}" && for mark do [ ! -d "\${mark%/*}" ] || : >"$mark"; done`;

// Change permissions of directories only: a file here may be a hard link into a live layer, and deleting needs no
// permission on the file itself. Small batches with pauses, because deleting a big directory at once makes ext4 slow
// for everyone. The last step handles paths that are too deep to name.
const removeScript = `
find "$1" -type d ! -perm -700 -exec chmod u+rwx {} ';'
find "$1" -depth -print0 | xargs -0 -n 256 sh -c 'rm -fd -- "$@"; sleep 0.02' cachelane
[ ! -e "$1" ] && exit
PATH=/usr/local/bin:/usr/bin:/bin find "$1" -type d ! -perm -700 -execdir chmod u+rwx {} ';'
rm -rf -- "$1"
`;

function thingsOf(job: BackgroundJob): readonly [string, ...string[]] {
  return job.kind === 'settle' ? job.marks : [job.dir];
}

/** Returns the job's program and arguments. It runs at the lowest priority. */
export function commandOf(job: BackgroundJob): readonly [string, ...string[]] {
  const script = closeInherited + (job.kind === 'settle' ? settleScript : removeScript);
  // Paths to delete or settle are two levels below the home.
  const things = thingsOf(job);
  const home = dirname(dirname(job.kind === 'settle' ? dirname(things[0]) : things[0]));
  return ['env', `${backgroundVariable}=${home}`, 'nice', '-n', '19', 'sh', '-c', script, 'cachelane', ...things];
}

/**
 * Starts the job in its own process. While a settle job runs, new marks of the same home wait for the next one:
 * each sync covers the whole file system.
 */
export function startBackgroundJob(job: BackgroundJob): void {
  if (job.kind === 'settle') settle(job.marks);
  else startProcess(job, () => {});
}

/** By home: marks that wait for the running job. */
const settling = new Map<string, string[]>();
/** Marks per process, limited by the size of its arguments. */
const settledAtOnce = 256;

function settle(marks: readonly [string, ...string[]]): void {
  const home = dirname(dirname(dirname(marks[0])));
  const waiting = settling.get(home);
  if (waiting !== undefined) {
    waiting.push(...marks);
    return;
  }
  if (settling.size === 0) process.once('exit', settleRest);
  settling.set(home, []);
  startProcess({ kind: 'settle', marks }, () => {
    const rest = settling.get(home) ?? [];
    settling.delete(home);
    if (settling.size === 0) process.off('exit', settleRest);
    for (const part of parts(rest)) settle(part);
  });
}

/** Starts jobs for waiting marks, because this process ends before the running job does. */
function settleRest(): void {
  for (const waiting of settling.values()) {
    for (const marks of parts(waiting)) startProcess({ kind: 'settle', marks }, () => {});
  }
}

function* parts(marks: readonly string[]): Generator<readonly [string, ...string[]]> {
  for (let from = 0; from < marks.length; from += settledAtOnce) {
    const [first, ...more] = marks.slice(from, from + settledAtOnce);
    if (first !== undefined) yield [first, ...more];
  }
}

function startProcess(job: BackgroundJob, onEnd: () => void): void {
  const [program, ...args] = commandOf(job);
  const child = spawn(program, args, { cwd: '/', detached: true, stdio: 'ignore' });
  // `env` or `nice` is missing, or no process can start. The next sweep retries.
  child.once('error', onEnd);
  child.once('exit', onEnd);
  child.unref();
}
