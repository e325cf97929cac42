import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyLane, anyTrust } from './lane.fixture.ts';
import { compareTrust, escapeRef, formatLane, laneTrust, lowest, parseLane, trustLevels } from './lane.ts';

describe('names', () => {
  test.each([
    ['t3:env:npm', 'T3', 'env', 'npm'],
    ['t2:ref:release/1.2', 'T2', 'ref', 'release/1.2'],
    ['t1:ref:feat-a', 'T1', 'ref', 'feat-a'],
    ['t1:tag:v1.0', 'T1', 'tag', 'v1.0'],
    ['t1:pr:12', 'T1', 'pr', '12'],
    ['t1:mq:main', 'T1', 'mq', 'main'],
    ['t1:user:ann', 'T1', 'user', 'ann'],
    ['t1:local', 'T1', 'local', ''],
    ['t0:run:8843', 'T0', 'run', '8843'],
    ['t1:ref:feat/%C3%BC%3Ax', 'T1', 'ref', 'feat/%C3%BC%3Ax'],
  ] as const)('%s', (text, trust, kind, ref) => {
    expect(parseLane(text)).toEqual({ trust, kind, ref });
    expect(formatLane({ trust, kind, ref })).toBe(text);
    expect(laneTrust(formatLane({ trust, kind, ref }))).toBe(trust);
  });

  test.each([
    '',
    'main',
    't1',
    't4:ref:main',
    'T1:ref:main',
    't1:ref',
    't1:ref:',
    't1:local:x',
    't1:local:',
    't1:branch:main',
    't1:constructor:x',
    't1:ref:a//b',
    't1:ref:/a',
    't1:ref:a b',
    't1:ref:ü',
    't1:ref:..',
    't1:ref:main\n',
    't3:ref:main',
    't2:pr:12',
    't0:ref:main',
    't1:run:1',
    `t1:ref:${'x'.repeat(513)}`,
  ])('%j is not a lane', (text) => {
    expect(() => parseLane(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  test('parsing and writing are inverse', () => {
    fc.assert(
      fc.property(anyLane, (lane) => {
        expect(formatLane(parseLane(lane))).toBe(lane);
      }),
    );
  });

  test('an impossible lane is a bug', () => {
    expect(() => formatLane({ trust: 'T2', kind: 'pr', ref: '12' })).toThrow(
      expect.objectContaining({ code: 'E_INTERNAL' }),
    );
  });
});

describe('refs', () => {
  test.each([
    ['main', 'main'],
    ['feat/ü x', 'feat/%C3%BC%20x'],
    ['a:b', 'a%3Ab'],
    ['../x', '%2E%2E/x'],
    ['a//b/', 'a/b'],
    ['', null],
    ['//', null],
  ])('%j becomes %j', (text, ref) => {
    expect(escapeRef(text)).toBe(ref);
  });

  test('any text with more than slashes makes a lane', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 900 }), (text) => {
        const ref = escapeRef(text);
        expect(ref === null).toBe(/^\/*$/.test(text));
        if (ref !== null) expect(parseLane(formatLane({ trust: 'T1', kind: 'ref', ref })).ref).toBe(ref);
      }),
    );
  });

  test('two long branches have different lanes', () => {
    const long = 'x'.repeat(600);
    expect(escapeRef(`${long}a`)).not.toBe(escapeRef(`${long}b`));
  });
});

describe('levels (rule 1)', () => {
  test('the order', () => {
    expect([...trustLevels].toReversed().toSorted(compareTrust)).toEqual(['T0', 'T1', 'T2', 'T3']);
  });

  test('no signals give T0', () => {
    expect(lowest([])).toBe('T0');
  });

  test('the level is the minimum over all signals: in no order, and one more never raises it', () => {
    fc.assert(
      fc.property(fc.array(anyTrust, { minLength: 1 }), anyTrust, (signals, more) => {
        const level = lowest(signals);
        expect(signals).toContain(level);
        expect(signals.every((signal) => compareTrust(level, signal) <= 0)).toBe(true);
        expect(lowest(signals.toReversed())).toBe(level);
        expect(compareTrust(lowest([...signals, more]), level)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
