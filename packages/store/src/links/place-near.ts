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
 * Returns where kept directories go so that files can be hard-linked to `near`: in the home if it is on the same
 * mount, which link(2) requires. Otherwise in the highest directory on that mount that only we can write to. Each
 * home has its own place there, which other homes do not collect.
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
  // Another user's file or directory has that name.
  if (existsSync(top) ? !isOurs(top) : lstatSync(top, { throwIfNoEntry: false }) !== undefined) return kept;
  const place = join(top, createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 16));
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const ignore = join(top, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return place;
}

/** Returns whether only this user can write to the directory. */
export function isOurs(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    const stat = lstatSync(dir);
    return stat.isDirectory() && stat.uid === (process.geteuid?.() ?? 0) && (stat.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** Returns the mount points, longest first, or none if the system does not list them. */
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
