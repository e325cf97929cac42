import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toText } from '../drivers/text.ts';

/**
 * What the registry said of a package, as yarn keeps it: with an ETag and without a time. A registry only ever adds
 * versions, so of two answers the one with more of them is the later one.
 */
export const yarnMetadataDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    try {
      const text = toText(content);
      const { metadata } = Object(JSON.parse(text)) as { readonly metadata?: { readonly versions?: unknown } };
      const versions = metadata?.versions;
      if (typeof versions !== 'object' || versions === null) return null;
      return { stamp: BigInt(Object.keys(versions).length), rest: text };
    } catch {
      return null;
    }
  },
  stampMatters: true,
  clock: null,
});
