import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../base/limits.ts';
import { namespaceParents, parseNamespace } from './namespace.ts';
import { namespaceFromRemote } from './remote.ts';
import { remoteTable } from './remote-table.fixture.ts';
import { redactUrl } from './remote-url.ts';

describe('real remotes', () => {
  const rows = remoteTable.flatMap(([namespace, ...urls]) => urls.map((url) => [url, namespace] as const));

  test('the table has enough rows', () => {
    expect(rows.length).toBeGreaterThanOrEqual(60);
    expect(new Set(rows.map(([url]) => url)).size).toBe(rows.length);
  });

  test.each(rows)('%s', (url, namespace) => {
    expect(namespaceFromRemote(url)).toBe(namespace);
    expect(parseNamespace(namespace)).toBe(namespace);
  });

  test('no two rows share a namespace', () => {
    expect(new Set(remoteTable.map(([namespace]) => namespace)).size).toBe(remoteTable.length);
  });

  test.each(rows.filter(([url]) => /s3.?cret/i.test(url)))('the secret of %s is not shown', (url) => {
    expect(redactUrl(url)).not.toMatch(/s3.?cret/i);
  });
});

test('the table in docs/reference/names.md is right', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/reference/names.md'), 'utf8');
  const table = /^\| remote .*\n.*\n((?:\|.*\n)+)/m.exec(text)?.[1] ?? '';
  let namespace = '';
  const rows = table.split('\n').filter((line) => line !== '');
  for (const row of rows) {
    const [, remotes = '', told = ''] = row.split('|');
    namespace = told.trim().startsWith('the same') ? namespace : (/`([^`]+)`/.exec(told)?.[1] ?? '');
    for (const [, url = ''] of remotes.matchAll(/`([^`]+)`/g))
      expect([url, namespaceFromRemote(url)]).toEqual([url, namespace]);
  }
  expect(rows.length).toBeGreaterThan(15);
});

describe('names over the limits', () => {
  test('100 bytes are an ordinary name', () => {
    const name = 'n'.repeat(100);
    expect(namespaceFromRemote(`https://github.com/acme/${name}.git`)).toBe(`github.com/acme/${name}`);
  });

  test('a segment over 128 bytes keeps its beginning and gets a hash', () => {
    const namespace = namespaceFromRemote(`https://git.example.com/acme/${'n'.repeat(129)}`);
    expect(namespace).toMatch(/^git\.example\.com\/acme\/n{95}~[0-9a-f]{32}$/);
    expect(namespace).not.toBe(namespaceFromRemote(`https://git.example.com/acme/${'n'.repeat(130)}`));
  });

  test('a character of several bytes is not cut', () => {
    for (let padding = 0; padding < 12; padding++) {
      const namespace = namespaceFromRemote(`https://git.example.com/${'x'.repeat(padding)}${'𝄞'.repeat(20)}`);
      expect(parseNamespace(namespace)).toBe(namespace);
    }
  });

  test('more than 24 segments: the first stay, so that parents stay parents', () => {
    const path = Array.from({ length: 40 }, (_, index) => `d${index}`);
    const deep = namespaceFromRemote(`https://git.example.com/${path.join('/')}`);
    expect(deep.split('/')).toHaveLength(limits.namespaceSegments);
    expect(deep.split('/').at(-1)).toMatch(/^d39~[0-9a-f]{32}$/);
    expect(deep).not.toBe(namespaceFromRemote(`https://git.example.com/x/${path.join('/')}`));
    expect(namespaceParents(deep)).toContain(
      namespaceFromRemote(`https://git.example.com/${path.slice(0, 10).join('/')}`),
    );
  });

  test('more than 1,024 bytes', () => {
    const namespace = namespaceFromRemote(`https://git.example.com/${Array(12).fill('n'.repeat(120)).join('/')}/end`);
    expect(namespace.length).toBeLessThanOrEqual(limits.namespaceBytes);
    expect(namespace).toMatch(/\/end~[0-9a-f]{32}$/);
  });

  test('the empty text is refused', () => {
    expect(() => namespaceFromRemote('')).toThrow(expect.objectContaining({ code: 'E_NAMESPACE' }));
  });

  test('deep nesting of helpers and users is parsed', () => {
    for (const unit of ['a::', 'a:b@', 'a:/b@', '[', '%25', '../', 'é/']) {
      expect(() => namespaceFromRemote(unit.repeat(30_000))).not.toThrow();
    }
  });
});

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
const host = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}(\.[a-z][a-z0-9-]{0,8}){1,3}$/);
/** Possible path segments; `.` and `..` are not names. */
const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !/^\.\.?$/.test(text));
const anyPath = fc.array(segment, { minLength: 1, maxLength: 6 });
/** Text that looks like a remote somewhere. */
const remoteLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'https://',
        'ssh://',
        'file://',
        'git@',
        ':',
        '/',
        '@',
        '[',
        ']',
        '::',
        '..',
        '.git',
        '%',
        '\\',
        ' ',
      ),
      fc.constantFrom(
        'github.com',
        'GitLab.com',
        'dev.azure.com',
        'vs-ssh.visualstudio.com',
        'v3',
        'scm',
        '_git',
        ':7999',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { minLength: 1, maxLength: 14 },
  )
  .map((parts) => parts.join(''))
  .filter((text) => text !== '');

/** Any UTF-16 code units, including lone surrogates. */
const badlyFormed = fc
  .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 1, maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

describe('every remote', () => {
  test.each([
    ['any text', fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })],
    ['UTF-16 that is not well formed', badlyFormed],
    ['text that looks like a remote', remoteLike],
    ['long text', fc.string({ minLength: 500, maxLength: 3000 })],
  ] as const)('%s has a canonical namespace', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const namespace = namespaceFromRemote(text);
        expect(parseNamespace(namespace)).toBe(namespace);
        expect(namespaceFromRemote(text)).toBe(namespace);
      }),
      { numRuns: 500 },
    );
  });

  test('ssh, the scp form, https, http and git of one repository are one namespace', () => {
    fc.assert(
      fc.property(host, anyPath, (where, segments) => {
        const path = segments.map(encodeURIComponent).join('/');
        const forms = [
          `https://${where}/${path}`,
          `https://${where}:443/${path}.git`,
          `http://${where}/${path}.git/`,
          `git://${where}/${path}`,
          `ssh://git@${where}/${path}.git`,
          `ssh://ann@${where.toUpperCase()}:22/${path}`,
          `git@${where}:${path}.git`,
          `${where}:/${path}`,
        ];
        expect(new Set(forms.map(namespaceFromRemote)).size).toBe(1);
      }),
    );
  });

  test('different repositories of one host have different namespaces', () => {
    fc.assert(
      fc.property(host, word, word, word, word, (where, owner, name, otherOwner, otherName) => {
        fc.pre(owner !== otherOwner || name !== otherName);
        expect(namespaceFromRemote(`https://${where}/${owner}/${name}`)).not.toBe(
          namespaceFromRemote(`https://${where}/${otherOwner}/${otherName}`),
        );
      }),
    );
  });

  test('no secret of the url remains in the name or the shown text', () => {
    const secret = fc
      .string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 40 })
      .filter((text) => /\w{6}/.test(text));
    const forms: readonly ((secret: string) => string)[] = [
      (s) => `https://${s}@example.com/acme/web.git`,
      (s) => `https://ann:${s}@example.com/acme/web.git`,
      (s) => `https://${s}:x-oauth-basic@example.com/acme/web`,
      (s) => `ssh://ann:${s}@example.com:2222/acme/web`,
      (s) => `ann:${s}@example.com:acme/web`,
      (s) => `ann:${s}@example.com/acme/web`,
      (s) => `hg::https://ann:${s}@example.com/acme/web`,
      (s) => `https://example.com/acme/web?private_token=${s}`,
      (s) => `https://example.com/acme/web#${s}`,
      (s) => `ext::ssh -o Password=${s} example.com %S acme/web`,
    ];
    fc.assert(
      fc.property(secret, fc.constantFrom(...forms), (text, form) => {
        for (const url of [form(encodeURIComponent(text)), form(text.replace(/[^\w]/g, '_'))]) {
          const run = /\w{6}/.exec(text)?.[0] ?? '';
          fc.pre(!'example.com/acme/web/remote/ext'.includes(run));
          expect(namespaceFromRemote(url)).not.toContain(run);
          expect(redactUrl(url)).not.toContain(run);
        }
      }),
    );
  });
});

test('the shown text of a remote is printable', () => {
  fc.assert(
    fc.property(remoteLike, (url) => {
      // oxlint-disable-next-line no-control-regex -- the very thing that is tested
      expect(redactUrl(url)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }),
  );
  expect(redactUrl('https://ann:s3cret@github.com:8443/acme/web.git?x=s3cret')).toBe(
    'https://github.com:8443/acme/web.git',
  );
  expect(redactUrl('git@github.com:acme/web.git')).toBe('github.com:acme/web.git');
  expect(redactUrl('/srv/git/web.git')).toBe('/srv/git/web.git');
});
