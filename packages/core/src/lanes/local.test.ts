import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyTrust } from './lane.fixture.ts';
import { compareTrust, parseLane } from './lane.ts';
import { laneWithoutHub } from './local.ts';
import type { Hint, PlatformHints, RefHint } from './platform-hints.ts';

const hint = (value: string): Hint => ({ value, source: 'somewhere' });
const main = hint('main');
const bare: PlatformHints = {
  platform: 'GitHub Actions',
  event: null,
  ref: null,
  base: null,
  defaultBranch: null,
  runId: hint('8843'),
  revision: null,
  workflow: null,
  signals: [],
};
const ref = (kind: RefHint['kind'], value: string): RefHint => ({ kind, value, source: 'GITHUB_REF' });

test('a laptop', () => {
  expect(laneWithoutHub(null)).toMatchObject({
    lane: 't1:local',
    trust: 'T1',
    canWrite: true,
    base: null,
    defaultLane: null,
    parentLane: 't1:local',
  });
});

const ofMain = { defaultLane: 't1:ref:main', parentLane: 't1:ref:main' };

test.each<readonly [string, Partial<PlatformHints>, object]>([
  ['a branch', { ref: ref('ref', 'feat/ü'), defaultBranch: main }, { lane: 't1:ref:feat/%C3%BC', ...ofMain }],
  ['the default branch', { ref: ref('ref', 'main'), defaultBranch: main }, { lane: 't1:ref:main', ...ofMain }],
  [
    'a branch, default unknown',
    { ref: ref('ref', 'x') },
    { lane: 't1:ref:x', defaultLane: null, parentLane: 't1:ref:x' },
  ],
  [
    'a pull request',
    { ref: ref('pr', '12'), base: hint('next'), defaultBranch: main },
    { lane: 't1:pr:12', base: 't1:ref:next', ...ofMain },
  ],
  [
    'a pull request, default unknown',
    { ref: ref('pr', '12'), base: hint('next') },
    { base: 't1:ref:next', defaultLane: null, parentLane: 't1:ref:next' },
  ],
  [
    'a merge queue',
    { ref: ref('mq', 'main'), base: main, defaultBranch: main },
    { lane: 't1:mq:main', base: 't1:ref:main', ...ofMain },
  ],
  ['a tag', { ref: ref('tag', 'v1.0'), defaultBranch: main }, { lane: 't1:tag:v1.0', ...ofMain }],
  ['a tag, default unknown', { ref: ref('tag', 'v1.0') }, { lane: 't1:tag:v1.0', defaultLane: null, parentLane: null }],
])('CI: %s', (_, hints, expected) => {
  expect(laneWithoutHub({ ...bare, ...hints })).toMatchObject({ trust: 'T1', canWrite: true, ...expected });
});

describe('T0 reads and writes nothing', () => {
  const t0 = { lane: 't0:run:8843', trust: 'T0', canWrite: false, base: null, ...ofMain };

  test('a fork, whose base is ignored', () => {
    const decision = laneWithoutHub({
      ...bare,
      ref: ref('pr', '40'),
      base: hint('release'),
      defaultBranch: main,
      signals: [{ level: 'T0', why: 'pull request from a fork', source: 'the event' }],
    });
    expect(decision).toMatchObject({ ...t0, source: 'the event' });
    expect(decision.why).toContain('pull request from a fork');
  });

  test.each<readonly [string, RefHint | null]>([
    ['nothing', null],
    ['an invalid number', ref('pr', '12abc')],
    ['the number zero', ref('pr', '0')],
    ['an empty branch', ref('ref', '//')],
  ])('the ref of the run is %s', (_, given) => {
    expect(laneWithoutHub({ ...bare, ref: given, defaultBranch: main })).toMatchObject(t0);
  });

  test('a run without an id', () => {
    expect(laneWithoutHub({ ...bare, runId: null }).lane).toBe('t0:run:unknown');
  });
});

const anyText = fc.string({ unit: 'binary', maxLength: 30 });
const anyHint = fc.option(fc.record({ value: anyText, source: anyText }));
const anyKind: fc.Arbitrary<RefHint['kind']> = fc.constantFrom('ref', 'tag', 'pr', 'mq');
const anyHints: fc.Arbitrary<PlatformHints> = fc.record({
  platform: anyText,
  event: anyHint,
  ref: fc.option(fc.record({ kind: anyKind, value: anyText, source: anyText })),
  base: anyHint,
  defaultBranch: anyHint,
  runId: anyHint,
  revision: fc.constant(null),
  workflow: fc.constant(null),
  signals: fc.array(fc.record({ level: anyTrust, why: anyText, source: anyText }), { maxLength: 4 }),
});

describe('unsigned hints (rule 1)', () => {
  test('never throw, never raise a run above T1, and T0 never writes', () => {
    fc.assert(
      fc.property(anyHints, (hints) => {
        const { lane, trust, canWrite } = laneWithoutHub(hints);
        expect(['T0', 'T1']).toContain(trust);
        expect(parseLane(lane).trust).toBe(trust);
        expect(canWrite).toBe(trust !== 'T0');
        for (const signal of hints.signals) expect(compareTrust(trust, signal.level)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('one more signal never raises the level', () => {
    fc.assert(
      fc.property(anyHints, anyTrust, (hints, level) => {
        const more = { ...hints, signals: [...hints.signals, { level, why: '', source: '' }] };
        expect(compareTrust(laneWithoutHub(more).trust, laneWithoutHub(hints).trust)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
