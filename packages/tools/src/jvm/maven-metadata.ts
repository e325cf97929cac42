import type { MergeDriver } from '@cachelane/core';
import { newestDriver } from '../drivers/newest.ts';
import { toText } from '../drivers/text.ts';

/** `<lastUpdated>20261124185500</lastUpdated>`: the time, in UTC, of the repository's last write. */
const lastUpdated = /<lastUpdated>(\d{14})<\/lastUpdated>/;

/** `maven-metadata-<repository>.xml`: the versions of an artifact in a repository. */
export const mavenMetadataDriver: MergeDriver = newestDriver({
  name: 'newest',
  parse(content) {
    const text = toText(content);
    const [, time] = lastUpdated.exec(text) ?? [];
    return time === undefined ? null : { stamp: BigInt(time), rest: text };
  },
  stampMatters: true,
  // The time comes from the repository's server, so the local clock cannot check it.
  clock: null,
});
