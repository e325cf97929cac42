import { CachelaneError, displayPath, parseBytePath, isBelow, type BytePath, type Entry } from '@cachelane/core';
import { pageOf, type Page, type PageArguments } from '../values/pages.ts';
import { isoTime } from '../values/iso-time.ts';

const entryTypes = { file: 'FILE', dir: 'DIRECTORY', symlink: 'SYMLINK' } as const;

export interface EntryArguments extends PageArguments {
  readonly under?: string | null;
}

/** Maximum number of entries in a page. */
const entriesPerPage = 10_000;

export function entryNode(entry: Entry): object {
  return {
    path: displayPath(entry.path),
    type: entryTypes[entry.type],
    mode: entry.mode,
    sizeBytes: entry.sizeBytes,
    digest: entry.digest,
    modifiedAt: () => isoTime(Number(entry.mtimeNs / 1_000_000n)),
    mergeClass: entry.mergeClass,
    removed: entry.removed,
    origins: entry.origins,
  };
}

/** Returns a page of entries. Errors: E_LIMIT, E_USAGE. */
export function entryPage(all: readonly Entry[], { under, ...page }: EntryArguments): Page<object> {
  const wanted = under === undefined || under === null || under === '' ? all : partOf(all, pathIn(under));
  const { nodes, pageInfo } = pageOf({ all: wanted, keyOf: ({ path }) => path, atMost: entriesPerPage }, page);
  return { nodes: nodes.map(entryNode), pageInfo };
}

/** Parses a path inside a volume. A slash at its end is ignored. Errors: E_USAGE. */
export function pathIn(text: string): BytePath {
  try {
    return parseBytePath(Buffer.from(text.replace(/\/+$/, ''), 'utf8').toString('latin1'));
  } catch (cause) {
    throw new CachelaneError('E_USAGE', `${JSON.stringify(text.slice(0, 200))} is not a path inside a volume`, {
      hint: 'write it relative to the volume, without "." and "..": _cacache/index-v5',
      cause,
    });
  }
}

function partOf(all: readonly Entry[], under: BytePath): readonly Entry[] {
  return all.filter(({ path }) => path === under || isBelow(path, under));
}
