import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { homePaths } from '../files/home-paths.ts';

/**
 * Where kept directories lie so that files in them can have hard links at `near`: in the home where it lies on the same mount (the
 * same file system is not enough for link(2)), else in a directory of ours as high up as only we may write on the mount of `near`. Each
 * home has a place of its own there, which another one's garbage collector does not touch.
 */
export function placeNear(home: string, near: string): string {
  const { kept } = homePaths(home);
  const mounts = readMounts();
  if (isSameMount(mounts, kept, near)) return kept;
  let best: string | null = null;
  for (let dir = realpathSync(near); isSameMount(mounts, dir, near); dir = dirname(dir)) {
    if (dir === dirname(dir)) break;
    if (isOurs(dir)) best = dir;
  }
  if (best === null) return kept;
  const top = join(best, '.cachelane');
  // Whatever else has that name is somebody's.
  if (existsSync(top) ? !isOurs(top) : lstatSync(top, { throwIfNoEntry: false }) !== undefined) return kept;
  const place = join(top, createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 16));
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const ignore = join(top, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return place;
}

/** A directory that nobody else can put things into. */
export function isOurs(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    const stat = lstatSync(dir);
    return stat.isDirectory() && stat.uid === (process.geteuid?.() ?? 0) && (stat.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** Mount points, the longest first; none where the system does not tell. */
function readMounts(): readonly string[] {
  try {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
    const points = lines.map((line) => unescapePoint(line.split(' ', 5)[4] ?? '/'));
    return points.toSorted((a, b) => b.length - a.length);
  } catch {
    return [];
  }
}

function unescapePoint(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function isSameMount(mounts: readonly string[], one: string, other: string): boolean {
  const [a, b] = [realpathSync(one), realpathSync(other)];
  if (statSync(a).dev !== statSync(b).dev) return false;
  return mounts.length === 0 || mountOf(mounts, a) === mountOf(mounts, b);
}

function mountOf(mounts: readonly string[], path: string): string | undefined {
  return mounts.find((point) => point === '/' || path === point || path.startsWith(`${point}/`));
}
