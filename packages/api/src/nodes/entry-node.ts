import { displayPath, parseBytePath, isBelow, type BytePath, type Entry } from '@cachelane/core';
import { pageOf, type Page, type PageArguments } from '../pages.ts';
import { isoTime } from './iso-time.ts';

const entryTypes = { file: 'FILE', dir: 'DIRECTORY', symlink: 'SYMLINK' } as const;

export interface EntryArguments extends PageArguments {
  readonly under?: string | null;
}

/** How many entries a page may have. */
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

/** Errors: E_LIMIT, E_USAGE, E_LAYER_REFUSED for what is no path. */
export function entryPage(all: readonly Entry[], { under, ...page }: EntryArguments): Page<object> {
  const wanted = under === undefined || under === null || under === '' ? all : partOf(all, pathIn(under));
  const { nodes, pageInfo } = pageOf({ all: wanted, keyOf: ({ path }) => path, atMost: entriesPerPage }, page);
  return { nodes: nodes.map(entryNode), pageInfo };
}

/** As a client writes it. */
export function pathIn(text: string): BytePath {
  return parseBytePath(Buffer.from(text, 'utf8').toString('latin1'));
}

function partOf(all: readonly Entry[], under: BytePath): readonly Entry[] {
  return all.filter(({ path }) => path === under || isBelow(path, under));
}
