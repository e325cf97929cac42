import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { backgroundVariable } from '@cachelane/core';

/** Work that goes on after this process has ended; nobody waits for it, and its failure only means that it is done again later. */
export type BackgroundJob =
  /** Sends a layer's data to the disk, then says so in the layer. */
  | { readonly kind: 'settle'; readonly layerDir: string }
  /** Frees the space of something in the trash. */
  | { readonly kind: 'remove'; readonly dir: string };

/** Content that reached the disk is marked by this file in a layer's directory. */
export const settledMarker = 'settled';

const settleScript = `sync -f "$1" && : >"$1/${settledMarker}"`;

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

/** An outer run may have left us its lease, which is to be free when that run's command has ended. */
const closeInherited = 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\n';

function dirOf(job: BackgroundJob): string {
  return job.kind === 'settle' ? job.layerDir : job.dir;
}

/** The program that does the job, with its arguments; at the lowest priority. */
export function commandOf(job: BackgroundJob): readonly [string, ...string[]] {
  const script = closeInherited + (job.kind === 'settle' ? settleScript : removeScript);
  // Whatever is thrown away or settled lies in the home, two names deep.
  const home = dirname(dirname(dirOf(job)));
  return ['env', `${backgroundVariable}=${home}`, 'nice', '-n', '19', 'sh', '-c', script, 'cachelane', dirOf(job)];
}

/** Starts the job as a process of its own. */
export function startBackgroundJob(job: BackgroundJob): void {
  const [program, ...args] = commandOf(job);
  const child = spawn(program, args, { cwd: '/', detached: true, stdio: 'ignore' });
  // A machine without `env` or `nice` or with no process to spare: the next sweep tries again.
  child.on('error', () => {});
  child.unref();
}
