import type { BytePath, MergeDriver, Version } from '@cachelane/core';
import fc from 'fast-check';
import type { NamedContent, NamingDriverSubject } from './naming-driver-laws.ts';

const decoder = new TextDecoder('utf-8');
const encoder = new TextEncoder();
const limitBytes = 1024;

type Words = ReadonlySet<string>;

/** A set of words in alphabetical order, `a b c`. Other content is unreadable. */
function readWords(version: Version): Words | null {
  if (version.sizeBytes > limitBytes) return null;
  const text = decoder.decode(version.content());
  return /^([a-z]+( [a-z]+)*)?$/.test(text) ? new Set(text.split(' ').filter((word) => word !== '')) : null;
}

export function writeWords(words: Iterable<string>): Uint8Array {
  return encoder.encode([...words].toSorted().join(' '));
}

function nearestWhole(versions: readonly Version[]): number {
  return Math.max(
    versions.findIndex(({ form }) => form === 'whole'),
    0,
  );
}

function allEqual(versions: readonly Version[]): boolean {
  return versions.every(({ form, digest }) => form === versions[0]?.form && digest === versions[0]?.digest);
}

/** A correct driver that picks the nearest version. */
export const nearestDriver: MergeDriver = {
  name: 'nearest',
  version: 1,
  merges: false,
  same: (pinned, mine) => pinned.digest === mine.digest,
  subtract: () => ({ form: 'whole' }),
  compose: (versions) => ({ kind: 'pick', index: nearestWhole(versions), opinion: allEqual(versions) }),
};

/** A correct driver for sets of words, small enough for tests to break in one place. */
export const wordsDriver: MergeDriver = {
  name: 'words',
  version: 1,
  merges: true,
  same(pinned, mine) {
    const before = readWords(pinned);
    const after = readWords(mine);
    if (before === null || after === null) return pinned.digest === mine.digest;
    return after.isSubsetOf(before);
  },
  subtract(pinned, mine) {
    const before = readWords(pinned);
    const after = readWords(mine);
    if (before === null || after === null) return { form: 'whole' };
    return { form: 'delta', content: writeWords(after.difference(before)) };
  },
  compose(versions) {
    const oversize = versions.findIndex(({ sizeBytes }) => sizeBytes > limitBytes);
    if (oversize >= 0) return { kind: 'pick', index: oversize, opinion: allEqual(versions) };
    const read = versions.map(readWords).filter((words) => words !== null);
    if (read.length === 0) return nearestDriver.compose(versions);
    return { kind: 'content', content: writeWords(new Set(read.flatMap((words) => [...words]))) };
  },
  close(version, _path, has) {
    const words = readWords(version);
    const left = [...(words ?? [])].filter((word) => has(word as BytePath));
    return words === null || left.length === words.size ? null : writeWords(left);
  },
};

export const arbitraryWords: fc.Arbitrary<Uint8Array> = fc
  .uniqueArray(fc.constantFrom('ant', 'bee', 'cat', 'dog', 'elk'), { maxLength: 4 })
  .map(writeWords);

export function wordsSubject(driver: MergeDriver): NamingDriverSubject {
  return { driver, arbitraryContent: arbitraryWords, path: 'words' as BytePath, names: namesOf };
}

function namesOf(content: Uint8Array): readonly NamedContent[] {
  const text = decoder.decode(content);
  return text === '' ? [] : text.split(' ').map((name) => ({ name, contents: [name as BytePath] }));
}
