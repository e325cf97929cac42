import { lstatSync, readFileSync } from 'node:fs';
import { errnoOf, isMissing } from '../files/file-errors.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';

// Notes beside a kept directory. Each is whole or not there, wherever its writer died.

export function ensureDir(files: StoreFiles, dir: string): void {
  try {
    files.makeDir(dir, 0o700);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Puts a note in the place of the one that is there. */
export function writeWhole(files: StoreFiles, file: string, content: string | Uint8Array): void {
  const beside = `${file}.new`;
  unlinkIfThere(files, beside);
  files.write(beside, typeof content === 'string' ? Buffer.from(content) : content);
  files.rename(beside, file);
}

/** Null where there is none; one that is not whole says as little. */
export function readJson<T>(file: string): T | null {
  const text = readIfThere(file);
  try {
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Another process may have removed it meanwhile. */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The time that the file system would give a change now, milliseconds; `probe` is a file that is there for this. */
export function clockMsAt(files: StoreFiles, probe: string): number {
  if (lstatSync(probe, { throwIfNoEntry: false }) === undefined) files.write(probe, new Uint8Array());
  else files.setMode(probe, 0o600);
  return lstatSync(probe).ctimeMs;
}
