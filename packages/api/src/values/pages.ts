import { CachelaneError } from '@cachelane/core';

export interface PageArguments {
  readonly first: number;
  readonly after?: string | null | undefined;
}

export interface Page<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

export interface Paging<T> {
  /** Sorted by key. */
  readonly all: readonly T[];
  readonly keyOf: (item: T) => string;
  /** Maximum page size. */
  readonly atMost: number;
}

/** Returns a page. Cursors are keys, so paging stays correct when items come and go. Errors: E_LIMIT, E_USAGE. */
export function pageOf<T>({ all, keyOf, atMost }: Paging<T>, { first, after }: PageArguments): Page<T> {
  requireWithin('first', first, atMost);
  const from = after === undefined || after === null ? 0 : firstBehind(all, keyOf, keyIn(after));
  const nodes = all.slice(from, from + first);
  const last = nodes.at(-1);
  const endCursor = last === undefined ? null : Buffer.from(keyOf(last), 'utf8').toString('base64url');
  return { nodes, pageInfo: { hasNextPage: from + nodes.length < all.length, endCursor } };
}

/** Errors: E_LIMIT. */
export function requireWithin(name: string, value: number, atMost: number): void {
  if (value >= 1 && value <= atMost) return;
  throw new CachelaneError('E_LIMIT', `${name} is ${value}, and must be 1 to ${atMost}`, {
    hint: 'ask for the next page with after',
  });
}

function keyIn(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (Buffer.from(key, 'utf8').toString('base64url') === cursor) return key;
  throw new CachelaneError('E_USAGE', 'after is not a cursor: use the endCursor of a page');
}

/** Returns the index of the first item with a greater key. */
function firstBehind<T>(all: readonly T[], keyOf: (item: T) => string, key: string): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(all[middle] as T) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
