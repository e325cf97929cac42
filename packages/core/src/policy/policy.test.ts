import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LaneName } from '../lanes/lane.ts';
import { formatAmount, parseAmount, type AmountUnit } from './amount.ts';
import {
  catalogNameChoices,
  catalogNamesOf,
  defaultPolicy,
  formatPolicyValue,
  lifetimeOf,
  parsePolicyValue,
  policyKeys,
  policyRules,
  resolvePolicy,
  statedPolicy,
  type PolicyKey,
  type StatedPolicy,
} from './policy.ts';

const dayMs = 86_400_000;

function said(value: number, source: string, key: PolicyKey = 'keep-pr'): StatedPolicy {
  return { [key]: { value, source } };
}

const named = (text: string): StatedPolicy => statedPolicy({ 'catalog-names': text }, 'test');

const namesAt = (stored: string, repository: string): string =>
  catalogNamesOf(resolvePolicy({ user: {}, stored: [named(stored)], repository: named(repository) }));

describe('amounts', () => {
  test.each([
    ['time', '30d', 30 * dayMs],
    ['time', '1.5h', 5_400_000],
    ['time', '0', 0],
    ['time', '0.001h', 60_000],
    ['time', '1.333h', 80 * 60_000],
    ['time', 'none', Infinity],
    ['size', '10GiB', 10 * 2 ** 30],
    ['size', '500 mb', 500e6],
    ['count', '20', 20],
    ['time', '30', undefined],
    ['time', '-1d', undefined],
    ['size', '5 %', undefined],
    ['size', '10d', undefined],
    ['count', '1.5', undefined],
    ['count', 'none', undefined],
    ['percent', '30%', 30],
    ['percent', '101%', undefined],
    ['size', '999999999999TiB', undefined],
  ] as const)('%s %s', (unit, text, value) => {
    expect(parseAmount(unit, text)).toBe(value);
  });

  test('a formatted amount parses to the same value', () => {
    fc.assert(
      fc.property(fc.constantFrom<AmountUnit>('size', 'count'), fc.nat({ max: 999_999_999_999 }), (unit, value) => {
        expect(parseAmount(unit, formatAmount(unit, value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 999_999 }), fc.constantFrom('m', 'h', 'd'), (thousandths, suffix) => {
        const value = parseAmount('time', `${thousandths / 1000}${suffix}`) ?? expect.fail('no time');
        expect(parseAmount('time', formatAmount('time', value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 999_999 }), (minutes) => {
        expect(parseAmount('time', formatAmount('time', minutes * 60_000))).toBe(minutes * 60_000);
      }),
    );
  });

  test('a choice is one of its words, and the repository may only make it stricter', () => {
    for (const word of catalogNameChoices) {
      expect(formatPolicyValue('catalog-names', parsePolicyValue('catalog-names', word))).toBe(word);
    }
    expect(() => parsePolicyValue('catalog-names', 'never')).toThrow(
      'catalog-names must be one of refuse, warn, any, not "never"',
    );
    expect([
      namesAt('any', 'warn'),
      namesAt('warn', 'refuse'),
      namesAt('warn', 'any'),
      namesAt('refuse', 'warn'),
    ]).toEqual(['warn', 'refuse', 'warn', 'refuse']);
    expect(catalogNamesOf(defaultPolicy)).toBe('any');
  });

  test('none means no limit, and no free space', () => {
    expect(parsePolicyValue('store-size', 'none')).toBe(Infinity);
    expect(parsePolicyValue('free-space', 'none')).toBe(0);
    expect(statedPolicy({ 'free-space': 'none' }, 'test')).toEqual(said(0, 'test', 'free-space'));
  });

  test('every default is valid, and a wrong value is refused with an example', () => {
    for (const key of policyKeys) {
      expect(formatPolicyValue(key, defaultPolicy[key].value), key).toBe(policyRules[key].standard);
    }
    expect(() => parsePolicyValue('keep-pr', 'soon')).toThrow(
      expect.objectContaining({
        message: 'keep-pr must be like 12h, 30d or none, not "soon"',
        hint: 'use m for minutes, h for hours, d for days',
      }),
    );
  });
});

describe('precedence of sources', () => {
  test('the nearest namespace, then the own file, then the default', () => {
    const stored = [said(1, 'near'), said(2, 'far')];
    expect(resolvePolicy({ user: said(3, 'user'), stored, repository: {} })['keep-pr'].source).toBe('near');
    expect(resolvePolicy({ user: said(3, 'user'), stored: [], repository: {} })['keep-pr'].value).toBe(3);
    expect(resolvePolicy({ user: {}, stored: [], repository: {} })).toEqual(defaultPolicy);
  });

  test('a file in the repository lowers, never raises, and cannot set store policies', () => {
    const anything = fc.record({ key: fc.constantFrom(...policyKeys), value: fc.nat({ max: 100 }) });
    fc.assert(
      fc.property(fc.array(anything), fc.array(anything), fc.array(anything), (user, stored, repository) => {
        const state = (list: typeof user, source: string): StatedPolicy =>
          Object.assign({}, ...list.map(({ key, value }) => said(value, source, key))) as StatedPolicy;
        const others = { user: state(user, 'user'), stored: [state(stored, 'stored')] };
        const without = resolvePolicy({ ...others, repository: {} });
        const lowered = resolvePolicy({ ...others, repository: state(repository, 'repository') });
        for (const key of policyKeys) {
          expect(lowered[key].value).toBeLessThanOrEqual(without[key].value);
          if (policyRules[key].scope === 'store') expect(lowered[key]).toEqual(without[key]);
        }
      }),
    );
  });

  test('values of other versions are ignored', () => {
    expect(statedPolicy({ 'keep-pr': '1d', 'keep-moon': '1d', 'keep-branch': '?' }, 'x')).toEqual(said(dayMs, 'x'));
  });
});

describe('lifetimes of lanes', () => {
  const main = 't1:ref:main' as LaneName;
  test.each([
    ['t0:run:8843', null, 'keep-run'],
    ['t1:pr:12', null, 'keep-pr'],
    ['t1:ref:feat-a', null, 'keep-branch'],
    ['t1:tag:v1', null, 'keep-branch'],
    ['t1:mq:main', null, 'keep-branch'],
    ['t1:ref:main', null, 'keep-default'],
    ['t1:ref:main', 't1:ref:trunk', 'keep-branch'],
    ['t1:ref:trunk', 't1:ref:trunk', 'keep-default'],
    ['t1:local', main, 'keep-default'],
    ['t1:user:ann', main, 'keep-default'],
    ['t2:ref:release/1.2', main, 'keep-default'],
    ['t3:env:npm', main, 'keep-release'],
  ] as const)('%s where the default is %s: %s', (lane, defaultLane, key) => {
    expect(lifetimeOf(lane as LaneName, defaultLane as LaneName | null)).toBe(key);
  });
});
