import { statSync } from 'node:fs';
import { CachelaneError, type Tool } from '@cachelane/core';
import type { ImportFiles } from '../host/pieces.ts';
import { chooseRoot } from './choose-root.ts';
import { layoutOf } from './layout.ts';
import { surveyArchive } from './survey.ts';

export interface Seed {
  readonly files: ImportFiles;
  /** A directory, or a tar archive. */
  readonly file: string;
  /** The directory of the archive that is meant, where somebody said so. */
  readonly from: string | null;
  readonly tool: Tool;
  /** Where the volume lies for its tool here. */
  readonly target: string;
  readonly signal: AbortSignal;
}

export interface Seeded {
  /** The directory of the archive that was taken; null where the seed is a directory. */
  readonly root: string | null;
  /** Entries of the archive that lie elsewhere. */
  readonly elsewhere: number;
  /** Symlinks that lead out of the volume. */
  readonly linksLeftOut: number;
}

/** Fills an empty directory. An archive is read twice: what cannot be read, or may mean several things, is known before anything is made. */
export async function seedInto(dir: string, { files, file, from, tool, target, signal }: Seed): Promise<Seeded> {
  if (statSync(file).isDirectory()) {
    if (from !== null)
      throw new CachelaneError('E_USAGE', '--from is for archives', { hint: `name the directory itself: ${file}/…` });
    const unpacked = await files.unpack(files.directory(file, signal), { dir, root: '', hardLinks: [] });
    return { ...unpacked, root: null };
  }
  const layout = layoutOf(tool);
  const survey = await surveyArchive(files.archive(file, signal), layout);
  const root = chooseRoot(survey, { file, from, target, hasLayout: layout !== null });
  return { ...(await files.unpack(files.archive(file, signal), { dir, root, hardLinks: survey.hardLinks })), root };
}

/** `--from` as members of archives are named; people may write `./a/` for `a`. */
export function parseRoot(text: string): string {
  const bytes = Buffer.from(text).toString('latin1');
  const names = bytes.split('/').filter((name) => name !== '' && name !== '.');
  return `${bytes.startsWith('/') ? '/' : ''}${names.join('/')}`;
}
