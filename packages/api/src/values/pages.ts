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
  /** In the order of their keys. */
  readonly all: readonly T[];
  readonly keyOf: (item: T) => string;
  /** How many a page may have. */
  readonly atMost: number;
}

/** A cursor is the key of the last item, so a page goes on where the one before ended, whatever came and went meanwhile. Errors: E_LIMIT, E_USAGE. */
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
  throw new CachelaneError('E_LIMIT', `${name} is ${value}, and a page has 1 to ${atMost}`, {
    hint: 'ask for the next page with after',
  });
}

function keyIn(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (Buffer.from(key, 'utf8').toString('base64url') === cursor) return key;
  throw new CachelaneError('E_USAGE', 'after is no cursor: take the endCursor of a page');
}

/** The place of the first item whose key is greater. */
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
