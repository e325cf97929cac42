import { digestOf, type BytePath, type MergeDriver, type Version } from '@cachelane/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { arbitraryVersionOf, composedVersion, storedVersion, versionOf } from './versions.ts';

/** Something that a file names. */
export interface NamedContent {
  readonly name: string;
  /** Paths that may hold the content; one suffices. Null: it needs no content. */
  readonly contents: readonly BytePath[] | null;
}

/** A driver for files that name other files of the volume. */
export interface NamingDriverSubject {
  readonly driver: MergeDriver;
  readonly arbitraryContent: fc.Arbitrary<Uint8Array>;
  /** The path of such a file. */
  readonly path: BytePath;
  /** Returns what a file names, as the tool reads it. Written independently of the driver. */
  names(content: Uint8Array): readonly NamedContent[];
}

export interface NamingDriverLaw {
  readonly name: string;
  check(subject: NamingDriverSubject): void;
}

type Has = (path: BytePath) => boolean;

const runs = { numRuns: 500 };

/** Half of all paths, another half for each seed. */
function viewOf(seed: number): Has {
  return (path) => digestOf(`${seed} ${path}`) < '8';
}

function isHeld({ contents }: NamedContent, has: Has): boolean {
  return contents?.some(has) ?? true;
}

function nameSet(named: readonly NamedContent[]): ReadonlySet<string> {
  return new Set(named.map(({ name }) => name));
}

function closed({ driver, path }: NamingDriverSubject, version: Version, has: Has): Uint8Array {
  return driver.close?.(version, path, has) ?? version.content();
}

type CloseCheck = (subject: NamingDriverSubject, version: Version, has: Has) => void;

function closeLaw(name: string, check: CloseCheck): NamingDriverLaw {
  return {
    name,
    check(subject) {
      const versions = arbitraryVersionOf(subject.arbitraryContent);
      const property = fc.property(versions, fc.nat({ max: 7 }), (version, seed) => {
        check(subject, version, viewOf(seed));
      });
      fc.assert(property, runs);
    },
  };
}

export const namingDriverLaws: readonly NamingDriverLaw[] = [
  {
    name: 'composing loses no name',
    check(subject) {
      const versions = fc.array(arbitraryVersionOf(subject.arbitraryContent), { minLength: 1, maxLength: 4 });
      const property = fc.property(versions, (wholes) => {
        const composed = composedVersion(wholes, subject.driver.compose(wholes));
        const expected = wholes.flatMap((version) => subject.names(version.content()));
        expect(nameSet(subject.names(composed.content()))).toEqual(nameSet(expected));
      });
      fc.assert(property, runs);
    },
  },
  {
    name: "a run's stored version names what the run added, and nothing new besides",
    check(subject) {
      const versions = arbitraryVersionOf(subject.arbitraryContent);
      const property = fc.property(versions, versions, (pinned, mine) => {
        const stored = nameSet(subject.names(storedVersion(subject.driver, pinned, mine).content()));
        const before = nameSet(subject.names(pinned.content()));
        const after = nameSet(subject.names(mine.content()));
        expect(stored.isSupersetOf(after.difference(before))).toBe(true);
        expect(stored.isSubsetOf(after)).toBe(true);
      });
      fc.assert(property, runs);
    },
  },
  {
    name: 'a run that added nothing stores a version that names nothing',
    check(subject) {
      const versions = arbitraryVersionOf(subject.arbitraryContent);
      const property = fc.property(versions, (version) => {
        const stored = storedVersion(subject.driver, version, version);
        expect(subject.names(stored.content())).toEqual([]);
      });
      fc.assert(property, runs);
    },
  },
  closeLaw('closing leaves no name without content', (subject, version, has) => {
    const left = subject.names(closed(subject, version, has));
    expect(left.filter((named) => !isHeld(named, has))).toEqual([]);
  }),
  closeLaw('closing keeps every name whose content exists', (subject, version, has) => {
    const left = new Set(subject.names(closed(subject, version, has)).map((named) => JSON.stringify(named)));
    const held = subject.names(version.content()).filter((named) => isHeld(named, has));
    expect(left).toEqual(new Set(held.map((named) => JSON.stringify(named))));
  }),
  closeLaw('closing is idempotent, and returns null if nothing changes', (subject, version, has) => {
    const once = versionOf(closed(subject, version, has));
    expect(subject.driver.close?.(once, subject.path, has) ?? null).toBe(null);
    const isComplete = subject.names(version.content()).every((named) => isHeld(named, has));
    if (isComplete) expect(subject.driver.close?.(version, subject.path, has) ?? null).toBe(null);
  }),
];
