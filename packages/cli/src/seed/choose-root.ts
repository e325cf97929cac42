import { CachelaneError, displayPath, type BytePath } from '@cachelane/core';
import { plural } from '../base/format.ts';
import { holderOf, holdersOf, type Survey } from './survey.ts';

export interface RootQuestion {
  readonly file: string;
  /** The directory that `--from` names, spelled as in the archive; null: none. */
  readonly from: string | null;
  /** The volume's directory here, absolute. On another machine only the last path segments are the same. */
  readonly target: string;
  /** Whether the tool's files have names that identify its cache. */
  readonly hasLayout: boolean;
}

const rootsNamed = 5;

/**
 * Returns the directory of an archive to import: the one of `--from`, else the one that looks like the tool's cache, else the one named like
 * the volume's directory, else the one that was packed. Errors: E_NOT_FOUND if `--from` is not in the archive, E_USAGE if several fit.
 */
export function chooseRoot(survey: Survey, { file, from, target, hasLayout }: RootQuestion): string {
  if (from !== null) {
    if (survey.directories.has(from)) return from;
    throw new CachelaneError('E_NOT_FOUND', `${file} has no directory ${shownRoot(from)}`, {
      hint: `it has ${shownRoots(packedRoots(survey))}`,
    });
  }
  const marked = nearest(highest(survey.marked), target);
  const alike = marked.length > 0 ? [] : alikeIn(survey, target, hasLayout);
  const packed = marked.length + alike.length > 0 ? [] : commonRoot(survey);
  const candidates = [marked, alike, packed].find(({ length }) => length > 0) ?? packedRoots(survey);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  throw new CachelaneError(
    'E_USAGE',
    `${file} has ${plural(candidates.length, 'directory', 'directories')} that may hold the volume: ${shownRoots(candidates)}`,
    {
      hint: 'choose one: --from DIRECTORY',
    },
  );
}

/** Returns a root as people write it: `.` for the top of the archive. */
export function shownRoot(root: string): string {
  return root === '' ? '.' : displayPath(root as BytePath);
}

function shownRoots(roots: readonly string[]): string {
  const shown = roots.slice(0, rootsNamed).map(shownRoot).join(', ');
  return roots.length > rootsNamed ? `${shown} and ${roots.length - rootsNamed} more` : shown;
}

function packedRoots({ tops, loose }: Survey): readonly string[] {
  return [...new Set([...tops, ...loose])].toSorted();
}

/** Returns the roots that lie in no other root. */
function highest(roots: ReadonlySet<string>): readonly string[] {
  return [...roots].filter((root) => !holdersOf(root).some((holder) => roots.has(holder)));
}

/** Returns the roots that share the most names with the target, counted from its end. */
function nearest(roots: readonly string[], target: string): readonly string[] {
  const most = Math.max(...roots.map((root) => namesShared(root, target)));
  return roots.filter((root) => namesShared(root, target) === most);
}

/** Returns directories named like the target. A single common name in the middle of a path does not count. */
function alikeIn({ directories, tops, loose }: Survey, target: string, hasLayout: boolean): readonly string[] {
  const ends = new Set([...tops, ...loose].flatMap((name) => [name, ...holdersOf(name)]));
  const enough = (root: string): number => (hasLayout || ends.has(root) ? 1 : 2);
  const alike = [...directories].filter((root) => namesShared(root, target) >= enough(root));
  return highest(new Set(nearest(alike, target)));
}

function namesShared(root: string, target: string): number {
  const a = root
    .split('/')
    .filter((name) => name !== '')
    .toReversed();
  const b = target
    .split('/')
    .filter((name) => name !== '')
    .toReversed();
  const differs = a.findIndex((name, at) => name !== b[at]);
  return differs < 0 ? a.length : differs;
}

/** Returns the packed directory, or the one that holds everything packed. */
function commonRoot({ tops, loose }: Survey): readonly string[] {
  const [top] = tops;
  if (top !== undefined && tops.size === 1 && loose.size === 0) return [top];
  if (tops.size === 0) return commonHolder([...loose]);
  const holders = new Set([...loose, ...[...tops].map(holderOf)]);
  return holders.size === 1 ? [...holders] : [];
}

/** Returns the directory of the files in an archive that lists no directories. */
function commonHolder(places: readonly string[]): readonly string[] {
  const [first, ...others] = places.map((place) => [place, ...holdersOf(place)]);
  const common = first?.find((holder) => others.every((holders) => holders.includes(holder)));
  return common === undefined ? [] : [common];
}
