import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toText } from '../drivers/text.ts';

/** The registry's answer for a package, with an ETag and without a time. A registry only adds versions, so the answer with more is later. */
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
