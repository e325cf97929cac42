import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { isRemoteKey, limits, type ListPage, type RemoteKey } from '@cachelane/core';
import { isMissing } from './dir-errors.ts';
import { dirLooks } from './dir-files.ts';

export interface FoundKey {
  readonly key: RemoteKey;
  readonly path: string;
}

export interface KeyWalk {
  readonly root: string;
  readonly prefix: string;
  readonly page: ListPage;
  /** Returns the last segment of the key for a directory entry; null for other entries. */
  readonly leafName: (entry: Dirent) => string | null;
}

/** Yields keys below a directory after `page.after`, in byte order. Skips vanished files. */
async function* walkKeys(walk: KeyWalk, above = ''): AsyncIterable<FoundKey> {
  const { root, prefix, page, leafName } = walk;
  for (const { name, isLeaf, entry } of await entriesOf(join(root, above), leafName)) {
    const path = `${above}${name}`;
    if (isLeaf) {
      const isWanted = path.startsWith(prefix) && (page.after === undefined || path > page.after);
      if (isWanted && isRemoteKey(path)) yield { key: path, path: join(root, above, entry.name) };
    } else if (mayHold(`${path}/`, prefix, page.after)) {
      yield* walkKeys(walk, `${path}/`);
    }
  }
}

/** Fills a page with the keys that `judge` accepts. */
export async function pageOf<T>(
  walk: KeyWalk,
  judge: (found: FoundKey) => Promise<T | undefined>,
): Promise<{ readonly items: readonly T[]; readonly more: boolean }> {
  const limit = Math.min(walk.page.limit ?? limits.remoteListPage, limits.remoteListPage);
  const items: T[] = [];
  for await (const found of walkKeys(walk)) {
    const item = await judge(found).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (item === undefined) continue;
    if (items.length === limit) return { items, more: true };
    items.push(item);
  }
  return { items, more: false };
}

interface SortedEntry {
  readonly name: string;
  readonly isLeaf: boolean;
  readonly entry: Dirent;
}

/** Sort directories with their slash, so that `a-b` comes before `a/b` as in whole keys. */
async function entriesOf(dir: string, leafName: KeyWalk['leafName']): Promise<readonly SortedEntry[]> {
  let entries: readonly Dirent[];
  try {
    entries = await dirLooks.list(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const sortName = ({ name, isLeaf }: SortedEntry): string => (isLeaf ? name : `${name}/`);
  return entries
    .flatMap((entry): readonly SortedEntry[] => {
      const leaf = leafName(entry);
      if (leaf !== null) return [{ name: leaf, isLeaf: true, entry }];
      return entry.isDirectory() ? [{ name: entry.name, isLeaf: false, entry }] : [];
    })
    .toSorted((a, b) => (sortName(a) < sortName(b) ? -1 : 1));
}

function mayHold(dir: string, prefix: string, after: string | undefined): boolean {
  if (!dir.startsWith(prefix) && !prefix.startsWith(dir)) return false;
  return after === undefined || dir > after || after.startsWith(dir);
}
