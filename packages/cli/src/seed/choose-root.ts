import { CachelaneError, displayPath, type BytePath } from '@cachelane/core';
import { plural } from '../base/format.ts';
import { holderOf, holdersOf, type Survey } from './survey.ts';

export interface RootQuestion {
  readonly file: string;
  /** What `--from` said, as the archive's members are named; null where it was left out. */
  readonly from: string | null;
  /** Where the volume lies here, absolute: an archive of the same directory of another machine ends alike. */
  readonly target: string;
  /** Whether the volume's tool has names that tell. */
  readonly hasLayout: boolean;
}

const rootsNamed = 5;

/**
 * Which directory of an archive is the volume's: what was asked for; else the one with the tool's own names in it; else the one that is called
 * as the volume's directory here; else the one that was packed. Errors: E_NOT_FOUND for what was asked for and is not there, E_USAGE
 * where several may be meant.
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
    `${file} has ${plural(candidates.length, 'directory', 'directories')} that may be meant: ${shownRoots(candidates)}`,
    {
      hint: 'say which one is to be imported: --from DIRECTORY',
    },
  );
}

/** As people write it: `.` for the archive's top. */
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

/** Without those that others hold. */
function highest(roots: ReadonlySet<string>): readonly string[] {
  return [...roots].filter((root) => !holdersOf(root).some((holder) => roots.has(holder)));
}

/** Those that share the most names with the target, from its end. */
function nearest(roots: readonly string[], target: string): readonly string[] {
  const most = Math.max(...roots.map((root) => namesShared(root, target)));
  return roots.filter((root) => namesShared(root, target) === most);
}

/** Directories called as the target is. One name says little of a directory somewhere in the middle. */
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

/** What was packed, where it is one directory or lies together in one. */
function commonRoot({ tops, loose }: Survey): readonly string[] {
  const [top] = tops;
  if (top !== undefined && tops.size === 1 && loose.size === 0) return [top];
  if (tops.size === 0) return commonHolder([...loose]);
  const holders = new Set([...loose, ...[...tops].map(holderOf)]);
  return holders.size === 1 ? [...holders] : [];
}

/** An archive without directories says by its files alone where they lie. */
function commonHolder(places: readonly string[]): readonly string[] {
  const [first, ...others] = places.map((place) => [place, ...holdersOf(place)]);
  const common = first?.find((holder) => others.every((holders) => holders.includes(holder)));
  return common === undefined ? [] : [common];
}
