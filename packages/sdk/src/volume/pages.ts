import type { Page } from '../generated/results.ts';

export interface PageOf<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: Page;
}

/** Yields the items of all pages. Requests a page when the previous one was read. */
export async function* itemsOf<T>(pageAfter: (cursor: string | null) => Promise<PageOf<T>>): AsyncGenerator<T> {
  let cursor: string | null = null;
  for (;;) {
    const { nodes, pageInfo }: PageOf<T> = await pageAfter(cursor);
    yield* nodes;
    if (!pageInfo.hasNextPage) return;
    cursor = pageInfo.endCursor;
  }
}
