import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  canonicalNamespace,
  childNamespace,
  isScopeOf,
  namespaceParents,
  parseNamespace,
  scopeNamespace,
} from './namespace.ts';
import { escapeSegment, isEscapedSegment, percentDecode } from './segment.ts';

function refusal(text: string, source?: string): { readonly message: string; readonly hint: string } {
  try {
    parseNamespace(text, source);
  } catch (error) {
    if (isCachelaneError(error, 'E_NAMESPACE')) return { message: error.message, hint: error.hint ?? '' };
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

const canonical = [
  'github.com/acme/web',
  'github.com/acme/web/Services/API',
  'teams/payments',
  'local/web-0123456789abcdef',
  'Team.Payments/X',
  'a',
  '~ann/c++/_x/-y',
  'git.example.com%3A8443/caf%C3%A9',
  '%2E%2E/x',
  Array.from({ length: 24 }, () => 'x').join('/'),
  'x'.repeat(128),
];

test.each(canonical)('canonical: %s', (text) => {
  expect(parseNamespace(text)).toBe(text);
});

test.each([
  ['', 'is empty', 'github.com/acme/web'],
  ['..', '".."', 'github.com/acme/web'],
  ['/acme/web', 'empty segment', 'acme/web'],
  ['acme/web/', 'empty segment', 'acme/web'],
  ['acme//web', 'empty segment', 'acme/web'],
  ['acme/./x/../web', '".."', 'acme/web'],
  [' acme/web ', 'not a canonical', 'acme/web'],
  ['acme/my web', 'not a canonical', 'acme/my%20web'],
  ['acme/café', 'not a canonical', 'acme/caf%C3%A9'],
  ['acme/cafe%CC%81', 'not a canonical', 'acme/caf%C3%A9'],
  ['acme/caf%c3%a9', 'not a canonical', 'acme/caf%C3%A9'],
  ['acme/%77eb', 'not a canonical', 'acme/web'],
  ['acme/100%', 'not a canonical', 'acme/100%25'],
  ['GitHub.com/Acme/Web/Src', 'upper case', 'github.com/acme/web/Src'],
  ['https://github.com/Acme/Web.git', 'empty segment', 'github.com/acme/web'],
  ['git@github.com:Acme/Web.git', 'not a canonical', 'github.com/acme/web'],
  ['github.com/acme/web:npm', 'not a canonical', 'github.com/acme/web%3Anpm'],
])('%j is refused', (text, problem, offered) => {
  const { message, hint } = refusal(text, '--namespace');
  expect(message).toContain('--namespace: ');
  expect(message).toContain(problem);
  expect(hint).toMatch(new RegExp(`: ${offered.replace(/[.+]/g, String.raw`\$&`)}$`));
});

test('an error never shows a typed password', () => {
  const { message, hint } = refusal('https://ann:s3cret@github.com/acme/web');
  expect(message + hint).not.toContain('s3cret');
});

test('limits: 128 bytes, 24 segments, 1,024 bytes', () => {
  expect(refusal('x'.repeat(129)).message).toContain('128');
  expect(refusal(Array.from({ length: 25 }, () => 'x').join('/')).message).toContain('24');
  expect(refusal(Array.from({ length: 9 }, () => 'x'.repeat(120)).join('/')).message).toContain('1024');
});

test('for any text, the spelling in the hint is accepted', () => {
  const typed = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc
      .array(fc.constantFrom('a', '/', '.', '..', '%', ' ', ':', '@', 'é', '%41', 'GitHub.com'), { maxLength: 60 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(typed, (text) => {
      try {
        expect(parseNamespace(text)).toBe(text);
      } catch (error) {
        if (!isCachelaneError(error, 'E_NAMESPACE')) throw error;
        const offered = /: (\S+)$/.exec(error.hint ?? '')?.[1] ?? '';
        expect(parseNamespace(offered)).toBe(offered);
      }
    }),
    { numRuns: 1000 },
  );
});

describe('escapes', () => {
  test('one spelling for each text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ unit: 'grapheme', minLength: 1 }),
        (a, b) => {
          expect(isEscapedSegment(escapeSegment(a))).toBe(true);
          expect(percentDecode(escapeSegment(a))).toBe(a.normalize('NFC'));
          expect(escapeSegment(a) === escapeSegment(b)).toBe(a.normalize('NFC') === b.normalize('NFC'));
        },
      ),
    );
  });

  test.each([
    ['web', 'web'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['...', '...'],
    ['a/b', 'a%2Fb'],
    ["!*'()", '%21%2A%27%28%29'],
    ['a+b~c', 'a+b~c'],
    ['\u0000\n', '%00%0A'],
    ['e\u0301', '%C3%A9'],
    ['\ud800', '%EF%BF%BD'],
  ])('%j becomes %s', (text, escaped) => {
    expect(escapeSegment(text)).toBe(escaped);
  });
});

test('a namespace from plain segments', () => {
  expect(canonicalNamespace('GitHub.com', 'Acme', 'Web', 'My App')).toBe('github.com/acme/web/My%20App');
  expect(canonicalNamespace('', 'a', '')).toBe('a');
  expect(() => canonicalNamespace('', '')).toThrow(expect.objectContaining({ code: 'E_NAMESPACE' }));
  expect(childNamespace(parseNamespace('git.example.com%3A8443/web'), 'my app', 'x')).toBe(
    'git.example.com%3A8443/web/my%20app/x',
  );
});

test('a path below a remote with only an owner is canonical too', () => {
  const namespace = childNamespace(parseNamespace('github.com/acme'), 'Web', 'Src');
  expect(parseNamespace(namespace)).toBe('github.com/acme/web/Src');
});

describe('a scope', () => {
  const project = parseNamespace('github.com/acme/web');

  test('is below its project, with a name that no directory can have', () => {
    const scope = scopeNamespace(project, ['npm', '@acme/build']);
    expect(scope).toBe('github.com/acme/web/scope%2Fnpm/%40acme%2Fbuild');
    expect(parseNamespace(scope)).toBe(scope);
    expect(scopeNamespace(parseNamespace('github.com/acme'), ['Lib'])).toBe('github.com/acme/scope%2Flib');
    expect(scopeNamespace(project, [])).toBe(project);
    expect(scopeNamespace(project, ['', 'lib', ''])).toBe('github.com/acme/web/scope%2Flib');
    expect(isScopeOf(project, scope)).toBe(true);
    const others = ['github.com/acme/web', 'github.com/acme/web/scope/npm', 'github.com/acme/web/services/api'];
    expect(others.map((each) => isScopeOf(project, parseNamespace(each)))).toEqual([false, false, false]);
    expect(isScopeOf(parseNamespace('github.com/acme'), scope)).toBe(false);
  });

  test('of a deep project or with long names differs from its neighbours', () => {
    const deep = canonicalNamespace(...Array.from({ length: 23 }, (_, index) => `d${index}`));
    expect(isScopeOf(deep, scopeNamespace(deep, ['npm', '@acme/build']))).toBe(true);
    const [one, other] = ['a', 'b'].map((end) => scopeNamespace(project, [`${'x'.repeat(200)}${end}`]));
    expect(one).not.toBe(other);
    expect(one !== undefined && isScopeOf(project, one)).toBe(true);
  });
});

describe('parents', () => {
  test('are the path prefixes, nearest first', () => {
    expect(namespaceParents(parseNamespace('github.com/acme/web/api'))).toEqual([
      'github.com/acme/web',
      'github.com/acme',
      'github.com',
    ]);
    expect(namespaceParents(parseNamespace('a'))).toEqual([]);
  });

  test('are at most the nearest 16', () => {
    const deep = parseNamespace(Array.from({ length: 24 }, (_, index) => `s${index}`).join('/'));
    const parents = namespaceParents(deep);
    expect(parents).toHaveLength(limits.namespaceParents);
    expect(parents[0]).toBe(deep.slice(0, deep.lastIndexOf('/')));
  });
});
