import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNamespace, scopeNamespace, type Namespace } from '../names/namespace.ts';
import { coveringGrantees, granteeText, isCovered, parseGrantee } from './grantee.ts';

const [acme, web, inner, other] = [
  'github.com/acme',
  'github.com/acme/web',
  'github.com/acme/web/api',
  'github.com/acmeweb',
].map((text) => parseNamespace(text)) as [
  ReturnType<typeof parseNamespace>,
  ReturnType<typeof parseNamespace>,
  ReturnType<typeof parseNamespace>,
  ReturnType<typeof parseNamespace>,
];

describe('a grantee', () => {
  test('is parsed as formatted', () => {
    for (const text of ['github.com/acme/web', 'github.com/acme/**', 'a']) {
      expect(granteeText(parseGrantee(text, '--to'))).toBe(text);
    }
    for (const text of ['', '**', '/**', 'github.com/**/web', 'github.com/acme/*', 'GitHub.com/acme']) {
      expect(() => parseGrantee(text, '--to')).toThrow(/^--to: /);
    }
  });

  test('of one namespace includes all its names and scopes, and no other', () => {
    const one = parseGrantee(web, '--to');
    expect(isCovered(one, [web])).toBe(true);
    expect(isCovered(one, [other, web])).toBe(true);
    expect(isCovered(one, [scopeNamespace(web, ['npm', '@acme/build'])])).toBe(true);
    for (const name of [acme, inner, other, scopeNamespace(inner, ['npm'])]) expect(isCovered(one, [name])).toBe(false);
    expect(isCovered(one, [])).toBe(false);
  });

  test('with all below includes the namespace itself, but not a common beginning', () => {
    const all = parseGrantee(`${acme}/**`, '--to');
    for (const name of [acme, web, inner, scopeNamespace(inner, ['npm'])]) expect(isCovered(all, [name])).toBe(true);
    for (const name of [other, parseNamespace('github.com')]) expect(isCovered(all, [name])).toBe(false);
  });

  test('covering one of several names is found, and no other', () => {
    const segment = fc.constantFrom('a', 'b', 'scope%2Fa', 'scope%2F');
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/') as Namespace);
    const grantee = fc.record({ namespace: path, below: fc.boolean() });
    const both = fc.property(fc.array(path, { maxLength: 3 }), grantee, (names, one) => {
      const texts = coveringGrantees(names).map(granteeText);
      expect(texts.includes(granteeText(one))).toBe(isCovered(one, names));
      expect(new Set(texts).size).toBe(texts.length);
    });
    fc.assert(both, { numRuns: 2000 });
  });
});
