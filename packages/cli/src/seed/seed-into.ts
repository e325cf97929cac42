import { statSync } from 'node:fs';
import { CachelaneError, type Tool } from '@cachelane/core';
import type { OnProgress } from '@cachelane/engine';
import { countBytes } from '../base/count-bytes.ts';
import type { ImportFiles } from '../host/pieces.ts';
import { countInto } from '../reporters/progress.ts';
import { chooseRoot } from './choose-root.ts';
import { layoutOf } from './layout.ts';
import { surveyArchive } from './survey.ts';

export interface Seed {
  readonly files: ImportFiles;
  /** A directory, or a tar archive. */
  readonly file: string;
  /** The directory of the archive that `--from` names; null: none. */
  readonly from: string | null;
  readonly tool: Tool;
  /** The volume's directory here. */
  readonly target: string;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export interface Seeded {
  /** The imported directory of the archive; null if the seed is a directory. */
  readonly root: string | null;
  /** Entries of the archive outside that directory. */
  readonly elsewhere: number;
  /** Symlinks out of the volume, which were not imported. */
  readonly linksLeftOut: number;
}

/** Fills an empty directory. It reads an archive twice, so that nothing is written if the archive is damaged or ambiguous. */
export async function seedInto(
  dir: string,
  { files, file, from, tool, target, onProgress, signal }: Seed,
): Promise<Seeded> {
  if (statSync(file).isDirectory()) {
    if (from !== null)
      throw new CachelaneError('E_USAGE', '--from is for archives', { hint: `name the directory itself: ${file}/…` });
    const members = countBytes(files.directory(file, signal), countInto(onProgress, 'copying', null));
    const unpacked = await files.unpack(members, { dir, root: '', hardLinks: [] });
    return { ...unpacked, root: null };
  }
  const layout = layoutOf(tool);
  const survey = await surveyArchive(files.archive(file, signal), layout, countInto(onProgress, 'reading', null));
  const root = chooseRoot(survey, { file, from, target, hasLayout: layout !== null });
  const members = countBytes(files.archive(file, signal), countInto(onProgress, 'unpacking', survey.sizeBytes));
  return { ...(await files.unpack(members, { dir, root, hardLinks: survey.hardLinks })), root };
}

/** Returns the value of `--from` as archives spell it: `a` for `./a/`. */
export function parseRoot(text: string): string {
  const bytes = Buffer.from(text).toString('latin1');
  const names = bytes.split('/').filter((name) => name !== '' && name !== '.');
  return `${bytes.startsWith('/') ? '/' : ''}${names.join('/')}`;
}
