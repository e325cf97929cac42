import { existsSync, lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import {
  CachelaneError,
  childPath,
  digestOf,
  displayPath,
  isCachelaneError,
  isSameTime,
  rootPath,
  type BytePath,
  type Entry,
  type LayerIndex,
  type LayerVerification,
} from '@cachelane/core';
import { checkImage } from '../image/verify-image.ts';
import { errnoOf, fromSystem, isMissing, throwIfAborted } from '../files/file-errors.ts';
import { namesIn } from '../files/read-file.ts';
import { byteNames, type FilePath } from '../files/file-path.ts';
import { deltaFile, layerPaths } from '../files/home-paths.ts';
import { isOpaque, readMarks } from '../files/markers.ts';
import { OpenAccess } from '../files/open-access.ts';
import { digestFile } from '../files/read-file.ts';
import type { Owner, StoreFiles } from '../files/store-files.ts';
import { readLayer, type LayerRef } from './stored-layer.ts';

/** Enough to show the problem: a damaged directory can have 100,000. */
const problemsMax = 100;
const checkEvery = 256;

interface Verifying {
  readonly files: Pick<StoreFiles, 'setMode'>;
  /** Called with the size of each entry that was read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Reads a whole layer and compares it with its index in both directions. Throws E_LAYER_MISSING, E_STORE_NEWER,
 * E_ABORTED.
 */
export function verifyLayer(ref: LayerRef, { files, onBytes }: Verifying, signal: AbortSignal): LayerVerification {
  const { dir, key } = ref;
  const problems: string[] = [];
  const report = (problem: string): void => {
    if (problems.length < problemsMax) problems.push(problem);
  };
  try {
    const { index, about } = readLayer(ref);
    const { imageOwner } = about;
    const check = { dir, index, files, report, signal, onBytes };
    if (imageOwner === null) checkTree(check);
    else checkImageLayer(check, imageOwner);
  } catch (thrown) {
    // A collector may delete the layer now, which is not damage.
    const error = existsSync(dir)
      ? fromSystem(thrown, `verifying layer ${key.slice(0, 12)}`)
      : new CachelaneError('E_LAYER_MISSING', `layer ${key.slice(0, 12)} is no longer in the store`, {
          cause: thrown,
        });
    if (!isCachelaneError(error, 'E_LAYER_CORRUPT')) throw error;
    report(error.message);
  }
  return { key, ok: problems.length === 0, problems };
}

export interface LayerCheck extends Verifying {
  readonly dir: string;
  readonly index: LayerIndex;
  readonly report: (problem: string) => void;
  readonly signal: AbortSignal;
}

interface Check extends LayerCheck {
  readonly access: OpenAccess;
}

/** Checks the tree and the deltas. */
export function checkTree(layer: LayerCheck): void {
  const { dir, index, files } = layer;
  const access = new OpenAccess(layerPaths(dir).tree, files, (path) => index.find(path)?.mode);
  const check: Check = { ...layer, access };
  try {
    const directories = checkEntries(check);
    checkExtras(check);
    checkMarks(check, directories);
  } finally {
    access.restore();
  }
}

function checkImageLayer(layer: LayerCheck, owner: Owner): void {
  const { dir, index, report } = layer;
  checkImage({ ...layer, file: layerPaths(dir).image, owner });
  // An interrupted extraction leaves a whole tree or none.
  if (namesIn(layerPaths(dir).tree).length > 0) {
    checkTree({ ...layer, onBytes: undefined });
    return;
  }
  for (const entry of index.special()) {
    if (entry.form !== 'delta') continue;
    const problem = unlessUnreadable(() => deltaProblem(dir, entry));
    if (problem !== null) report(`${displayPath(entry.path)} ${problem}`);
  }
  checkExtraDeltas(layer);
}

/** Returns whether the entry's path exists in the tree. */
function isInTree({ removed, form }: Entry): boolean {
  return removed !== 'hint' && form !== 'delta';
}

/** Checks that everything in the index is present. Returns the directories found. */
function checkEntries(check: Check): readonly Entry[] {
  const directories: Entry[] = [];
  let count = 0;
  for (const entry of check.index.entries()) {
    if (++count % checkEvery === 0) throwIfAborted(check.signal);
    const problem = problemOf(check, entry);
    check.onBytes?.(entry.sizeBytes);
    if (problem !== null) check.report(`${displayPath(entry.path)} ${problem}`);
    else if (entry.type === 'dir' && isInTree(entry) && entry.removed !== 'counted') directories.push(entry);
  }
  return directories;
}

function problemOf({ dir, access }: Check, entry: Entry): string | null {
  return unlessUnreadable(() => {
    if (entry.form === 'delta') return deltaProblem(dir, entry);
    return isInTree(entry) ? access.run(entry.path, (file) => treeProblem(file, entry)) : null;
  });
}

function unlessUnreadable(look: () => string | null): string | null {
  try {
    return look();
  } catch (error) {
    if (isMissing(error)) return 'is missing';
    if (errnoOf(error) === undefined || errnoOf(error) === 'EACCES') throw error;
    return `cannot be read (${errnoOf(error)})`;
  }
}

function deltaProblem(dir: string, { digest }: Entry): string | null {
  return digest !== null && digestFile(deltaFile(dir, digest)).digest !== digest
    ? 'has a delta with different content'
    : null;
}

function treeProblem(file: FilePath, entry: Entry): string | null {
  const stat = lstatSync(file, { bigint: true });
  if (entry.removed === 'counted') return isWhiteout(stat) ? null : 'exists, but the layer removes it';
  if (kindOf(stat) !== entry.type) return `is not a ${entry.type}`;
  if (!isSameTime(stat.mtimeNs, entry.mtimeNs)) return 'has a different modification time';
  if (entry.type === 'symlink') {
    return digestOf(readlinkSync(file, 'buffer')) === entry.digest ? null : 'has a different target';
  }
  const mode = Number(stat.mode) & 0o7777;
  // Verification may have added owner permissions, which are removed again afterwards.
  if (mode !== entry.mode && mode !== (entry.mode | (entry.type === 'dir' ? 0o700 : 0o400)))
    return 'has a different mode';
  if (entry.type === 'dir') return null;
  if (stat.size !== BigInt(entry.sizeBytes)) return 'has a different size';
  return digestFile(file).digest === entry.digest ? null : 'has different content';
}

export function isWhiteout(stat: Pick<BigIntStats, 'isCharacterDevice' | 'rdev'>): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

function kindOf(stat: BigIntStats): Entry['type'] | null {
  return stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'symlink' : null;
}

/** Checks that nothing exists that the index does not list. */
function checkExtras(check: Check): void {
  const { access, index, report, signal } = check;
  const pending: BytePath[] = [rootPath];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    throwIfAborted(signal);
    for (const name of access.run(directory, (file) => readdirSync(file, byteNames))) {
      const path = childPath(directory, name);
      const isDirectory = access.run(path, (file) => lstatSync(file)).isDirectory();
      if (isDirectory) pending.push(path);
      if (!isListed(index, path, isDirectory)) report(`${displayPath(path)} is not in the index`);
    }
  }
  checkExtraDeltas(check);
}

function isListed(index: LayerIndex, path: BytePath, isDirectory: boolean): boolean {
  const entry = index.find(path);
  if (entry !== undefined && isInTree(entry)) return true;
  if (!isDirectory) return false;
  // A directory without an entry may lead to listed paths.
  for (const below of index.below(path)) if (isInTree(below)) return true;
  return false;
}

function checkExtraDeltas({ dir, index, report }: LayerCheck): void {
  const known = new Set<string>();
  for (const { form, digest } of index.special()) if (form === 'delta' && digest !== null) known.add(digest);
  for (const name of namesIn(layerPaths(dir).delta)) if (!known.has(name)) report(`delta ${name} is not in the index`);
}

/** Checks that exactly the directories marked in the index hide lower contents. */
function checkMarks({ access, report }: Check, directories: readonly Entry[]): void {
  for (const { path } of directories) access.prepare(path);
  const paths = directories.map(({ path }) => path);
  const marks = readMarks(access.root, paths);
  directories.forEach(({ path, removed }, i) => {
    const hides = isOpaque(marks[i] ?? new Set());
    if (hides && removed !== 'below') report(`${displayPath(path)} hides lower contents, but should not`);
    if (!hides && removed === 'below') report(`${displayPath(path)} does not hide lower contents, but should`);
  });
}
