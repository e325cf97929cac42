import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toText } from '../drivers/text.ts';

/** `<lastUpdated>20261124185500</lastUpdated>`: the second, in UTC, at which a repository was last written to. */
const lastUpdated = /<lastUpdated>(\d{14})<\/lastUpdated>/;

/** `maven-metadata-<repository>.xml`: which versions of an artifact a repository has. */
export const mavenMetadataDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    const text = toText(content);
    const [, time] = lastUpdated.exec(text) ?? [];
    return time === undefined ? null : { stamp: BigInt(time), rest: text };
  },
  stampMatters: true,
  // The time of a repository's server, at which no clock of ours was looked: it says which answer is the later one.
  clock: null,
});
