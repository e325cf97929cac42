import { lstatSync, readFileSync } from 'node:fs';
import { errnoOf, isMissing } from '../files/file-errors.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';

// Notes beside a kept directory. A note is complete or missing, even if its writer died.

export function ensureDir(files: StoreFiles, dir: string): void {
  try {
    files.makeDir(dir, 0o700);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Replaces a note in one step. */
export function writeWhole(files: StoreFiles, file: string, content: string | Uint8Array): void {
  const beside = `${file}.new`;
  unlinkIfThere(files, beside);
  files.write(beside, typeof content === 'string' ? Buffer.from(content) : content);
  files.rename(beside, file);
}

/** Returns null if the note is missing or invalid. */
export function readJson<T>(file: string): T | null {
  const text = readIfThere(file);
  try {
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Returns null if the file is missing: another process may have deleted it. */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Returns the time that the file system would give a change now, in milliseconds. `probe` is a file for this test. */
export function clockMsAt(files: StoreFiles, probe: string): number {
  if (lstatSync(probe, { throwIfNoEntry: false }) === undefined) files.write(probe, new Uint8Array());
  else files.setMode(probe, 0o600);
  return lstatSync(probe).ctimeMs;
}
