import type { Composition, MergeDriver, Version } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { mergeDriverConformance } from './merge-driver-conformance.ts';
import { mergeDriverLaws } from './merge-driver-laws.ts';
import { namingDriverConformance } from './naming-driver-conformance.ts';
import { namingDriverLaws } from './naming-driver-laws.ts';
import { arbitraryVersionOf, hasOpinion } from './versions.ts';
import { arbitraryWords, nearestDriver, wordsDriver, wordsSubject, writeWords } from './word-drivers.fixture.ts';

const arbitraryVersion = arbitraryVersionOf(arbitraryWords);

mergeDriverConformance('a right driver that unites', wordsDriver, arbitraryVersion);
mergeDriverConformance('a right driver that picks', nearestDriver, arbitraryVersion);
namingDriverConformance('a right driver that unites', wordsSubject(wordsDriver));

interface BrokenDriver {
  readonly mistake: string;
  readonly driver: MergeDriver;
  /** Words from the names of the laws that must notice. */
  readonly noticedBy: readonly string[];
}

const nothing = writeWords([]);

function edited(composition: Composition, edit: (words: readonly string[]) => readonly string[]): Composition {
  if (composition.kind === 'pick') return composition;
  const words = new TextDecoder().decode(composition.content).split(' ');
  return { kind: 'content', content: writeWords(edit(words).filter((word) => word !== '')) };
}

const wholes = (versions: readonly Version[]): readonly Version[] => versions.filter(({ form }) => form === 'whole');

const broken: readonly BrokenDriver[] = [
  {
    mistake: 'has no opinion on a single version',
    driver: { ...nearestDriver, compose: () => ({ kind: 'pick', index: 0, opinion: false }) },
    noticedBy: ['idempotent'],
  },
  {
    mistake: 'adds something each time it composes',
    driver: {
      ...wordsDriver,
      compose: (versions) => edited(wordsDriver.compose(versions), (words) => [...words, `fly${versions.length}`]),
    },
    noticedBy: ['idempotent', 'associative'],
  },
  {
    mistake: 'always has an opinion for the nearest version',
    driver: { ...nearestDriver, compose: () => ({ kind: 'pick', index: 0, opinion: true }) },
    noticedBy: ['independent of the order', 'give no opinion'],
  },
  {
    mistake: 'has an opinion in one order only',
    driver: {
      ...nearestDriver,
      compose(versions) {
        const rises = versions.every(({ digest }, index) => digest >= (versions[index - 1]?.digest ?? ''));
        return { kind: 'pick', index: 0, opinion: rises };
      },
    },
    noticedBy: ['independent of the order'],
  },
  {
    mistake: 'composes only two versions at once',
    driver: { ...wordsDriver, compose: (versions) => wordsDriver.compose(versions.slice(0, 2)) },
    noticedBy: ['associative'],
  },
  {
    mistake: 'stores no additions',
    driver: { ...wordsDriver, subtract: () => ({ form: 'delta', content: nothing }) },
    noticedBy: ['has what the run left', 'give no opinion'],
  },
  {
    mistake: 'ignores deltas',
    driver: {
      ...wordsDriver,
      compose: (versions) => wordsDriver.compose(wholes(versions).length > 0 ? wholes(versions) : versions),
    },
    noticedBy: ['has what the run left'],
  },
  {
    mistake: 'reports a rewritten equal file as changed',
    driver: { ...wordsDriver, same: (pinned, mine) => pinned.sealedAtMs === mine.sealedAtMs },
    noticedBy: ['reflexive'],
  },
  {
    mistake: 'reads files of any size',
    driver: { ...nearestDriver, same: (pinned, mine) => pinned.content() === mine.content() },
    noticedBy: ['reflexive'],
  },
  {
    mistake: 'throws for unreadable content',
    driver: {
      ...wordsDriver,
      compose(versions) {
        const composition = wordsDriver.compose(versions);
        if (!hasOpinion(composition)) throw new Error('not words');
        return composition;
      },
    },
    noticedBy: ['give no opinion'],
  },
  {
    mistake: 'picks the nearest version even if it is unreadable',
    driver: {
      ...wordsDriver,
      compose(versions) {
        const isJunk = versions[0] !== undefined && versions[0].sizeBytes < 3;
        return isJunk ? nearestDriver.compose(versions) : wordsDriver.compose(versions);
      },
    },
    noticedBy: ['readable content wins'],
  },
  {
    mistake: 'ignores lower versions, but picks the lowest',
    driver: {
      ...nearestDriver,
      compose: ({ length }) => ({ kind: 'pick', index: length - 1, opinion: length === 1 }),
    },
    noticedBy: ['picks the nearest whole one'],
  },
  {
    mistake: 'ignores lower versions, but stores deltas',
    driver: { ...nearestDriver, subtract: () => ({ form: 'delta', content: nothing }) },
    noticedBy: ['stores no deltas'],
  },
  {
    mistake: 'picks a missing version',
    driver: { ...nearestDriver, compose: ({ length }) => ({ kind: 'pick', index: length, opinion: true }) },
    noticedBy: ['idempotent', 'picks the nearest whole one'],
  },
];

describe('each law fails for a broken driver', () => {
  const cases = broken.flatMap(({ mistake, driver, noticedBy }) =>
    noticedBy.map((words) => ({ mistake, driver, words })),
  );

  test.each(cases)('"$words" fails for a driver that $mistake', ({ driver, words }) => {
    const laws = mergeDriverLaws.filter(({ name }) => name.includes(words));
    expect(laws).toHaveLength(1);
    expect(() => laws[0]?.check(driver, arbitraryVersion)).toThrow('Property failed');
  });

  test('every law has a broken driver', () => {
    const unproven = mergeDriverLaws.filter(({ name }) => !cases.some(({ words }) => name.includes(words)));
    expect(unproven).toEqual([]);
  });
});

const brokenNaming: readonly BrokenDriver[] = [
  {
    mistake: 'forgets names',
    driver: {
      ...wordsDriver,
      compose: (versions) => edited(wordsDriver.compose(versions), (words) => words.slice(0, 3)),
    },
    noticedBy: ['composing loses no name'],
  },
  {
    mistake: 'stores what it saw as additions',
    driver: {
      ...wordsDriver,
      subtract(pinned, mine) {
        const composition = wordsDriver.compose([mine, pinned]);
        return { form: 'delta', content: composition.kind === 'content' ? composition.content : nothing };
      },
    },
    noticedBy: ['nothing new besides', 'added nothing'],
  },
  {
    mistake: 'never removes names',
    driver: { ...wordsDriver, close: () => null },
    noticedBy: ['closing leaves no name'],
  },
  {
    mistake: 'removes all names',
    driver: { ...wordsDriver, close: ({ sizeBytes }) => (sizeBytes === 0 ? null : nothing) },
    noticedBy: ['closing keeps every name'],
  },
  {
    mistake: 'rewrites files without a change',
    driver: { ...wordsDriver, close: (...request) => wordsDriver.close?.(...request) ?? request[0].content() },
    noticedBy: ['closing is idempotent'],
  },
];

describe('each law of names fails for a broken driver', () => {
  const cases = brokenNaming.flatMap(({ mistake, driver, noticedBy }) =>
    noticedBy.map((words) => ({ mistake, driver, words })),
  );

  test.each(cases)('"$words" fails for a driver that $mistake', ({ driver, words }) => {
    const laws = namingDriverLaws.filter(({ name }) => name.includes(words));
    expect(laws).toHaveLength(1);
    expect(() => laws[0]?.check(wordsSubject(driver))).toThrow('Property failed');
  });

  test('every law has a broken driver', () => {
    const unproven = namingDriverLaws.filter(({ name }) => !cases.some(({ words }) => name.includes(words)));
    expect(unproven).toEqual([]);
  });
});
