import { type FeedRecord, type LaneName, type Namespace, type VolumeName, parseGrantee } from '@cachelane/core';
import { expect, test } from 'vitest';
import { type Feeding, whyNotFed } from './feed-rule.ts';

const rule = (from = 'github.com/acme/**', volume: string | null = null, lanes = 'default'): FeedRecord => ({
  tierId: 'ns_1' as FeedRecord['tierId'],
  from: parseGrantee(from, 'test'),
  volume: volume as VolumeName | null,
  lanes: lanes as FeedRecord['lanes'],
  atMs: 0,
  by: 'ann',
});

const main = 't1:ref:main';

interface Run {
  readonly lane?: string;
  readonly defaultLane?: string | null;
  readonly names?: readonly string[];
}

const run = ({ lane = main, defaultLane = main, names = ['github.com/acme/web'] }: Run = {}): Feeding => ({
  names: names as Namespace[],
  volume: 'npm' as VolumeName,
  lane: lane as LaneName,
  defaultLane: defaultLane as LaneName | null,
});

test.each([
  { title: 'the default branch', rule: rule(), run: run(), why: null },
  { title: 'a laptop', rule: rule(), run: run({ lane: 't1:local', defaultLane: null }), why: null },
  { title: 'another branch', rule: rule(), run: run({ lane: 't1:ref:x' }), why: 'it is for the default branch' },
  { title: 'a pull request', rule: rule(), run: run({ lane: 't1:pr:1' }), why: 'it is for the default branch' },
  {
    title: 'a branch with an unknown default branch',
    rule: rule(),
    run: run({ defaultLane: null }),
    why: 'it is for the default branch',
  },
  {
    title: 'an untrusted run',
    rule: rule('github.com/acme/**', null, 't0:run:1'),
    run: run({ lane: 't0:run:1', defaultLane: 't0:run:1' }),
    why: 'the run is untrusted',
  },
  {
    title: 'a lane by its name',
    rule: rule('github.com/acme/web', null, 't1:ref:x'),
    run: run({ lane: 't1:ref:x' }),
    why: null,
  },
  {
    title: 'another lane than that',
    rule: rule('github.com/acme/web', null, 't1:ref:x'),
    run: run(),
    why: 'it is for lane t1:ref:x',
  },
  { title: 'another project', rule: rule('github.com/acme/api'), run: run(), why: 'it is for other projects' },
  {
    title: 'a project by an earlier name',
    rule: rule('github.com/old/web'),
    run: run({ names: ['github.com/acme/web', 'github.com/old/web'] }),
    why: null,
  },
  {
    title: 'a library of a project',
    rule: rule('github.com/acme/web'),
    run: run({ names: ['github.com/acme/web/scope%2Flib'] }),
    why: null,
  },
  { title: 'its volume', rule: rule('github.com/acme/**', 'npm'), run: run(), why: null },
  { title: 'another volume', rule: rule('github.com/acme/**', 'pip'), run: run(), why: 'it is for pip' },
])('a rule and $title', ({ rule: given, run: saved, why }) => {
  expect(whyNotFed(given, saved)).toBe(why);
});
