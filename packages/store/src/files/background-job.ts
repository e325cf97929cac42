import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { backgroundVariable, closeInherited } from '@cachelane/core';

/**
 * Work that goes on after this process has ended; nobody waits for it, and its failure only means that it is done again
 * later.
 */
export type BackgroundJob =
  /** Sends the data of layers of one home to the disk, then makes a mark in each: {@link settledMark}. */
  | { readonly kind: 'settle'; readonly marks: readonly [string, ...string[]] }
  /** Frees the space of something in the trash. */
  | { readonly kind: 'remove'; readonly dir: string };

/**
 * Content that reached the disk is marked by this file in a layer's directory. An image has a mark of its own: what was
 * true of it says nothing of the tree that is made of it.
 */
export function settledMark(layerDir: string, form: 'tree' | 'image'): string {
  return `${layerDir}/${form === 'tree' ? 'settled' : 'settled-image'}`;
}

// A layer that was removed meanwhile is nobody's.
const settleScript = `sync -f "\${1%/*/*}" && for mark do [ ! -d "\${mark%/*}" ] || : >"$mark"; done`;

// Only directories are made accessible: a file here may be a hard link into a layer that lives on, and removing needs no
// permission on the file. In small batches with pauses: removing a big directory in one go makes ext4 slow for everybody.
// What is too deep to be named by a path is left over, and gone into step by step.
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

/** The program that does the job, with its arguments; at the lowest priority. */
export function commandOf(job: BackgroundJob): readonly [string, ...string[]] {
  const script = closeInherited + (job.kind === 'settle' ? settleScript : removeScript);
  // Whatever is thrown away or settled lies in the home, two names deep.
  const things = thingsOf(job);
  const home = dirname(dirname(job.kind === 'settle' ? dirname(things[0]) : things[0]));
  return ['env', `${backgroundVariable}=${home}`, 'nice', '-n', '19', 'sh', '-c', script, 'cachelane', ...things];
}

/**
 * Starts the job as a process of its own. A settling goes on for all that comes while it is at work: it sends all data
 * of the file system, whoever's it is.
 */
export function startBackgroundJob(job: BackgroundJob): void {
  if (job.kind === 'settle') settle(job.marks);
  else startProcess(job, () => {});
}

/** By home; what waits for the one that is at work. */
const settling = new Map<string, string[]>();
/** For each process that goes on, what fits into its arguments. */
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

/** This process ends before the one that is at work: what waits for it goes on alone. */
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
  // A machine without `env` or `nice` or with no process to spare: the next sweep tries again.
  child.once('error', onEnd);
  child.once('exit', onEnd);
  child.unref();
}
