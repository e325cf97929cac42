import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCachelaneError } from '@cachelane/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from './config-parse.ts';
import { readConfig } from './config.ts';

const parse = (text: string) => parseConfig(text, '/project/cachelane.yaml');

async function problem(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isCachelaneError(error, 'E_CONFIG')) return error.message;
    throw error;
  }
  return 'no problem';
}

test('a whole file', () => {
  const config = parse(`
# comment
namespace: github.com/acme/web
parents: [teams/payments, github.com/acme]
volumes:
  npm: {}
  go-build: { compat: { image: strict, node: 1.10 } }
  m2:
    tool: maven
    path: ~/.m2/repository
    sharing: PRIVATE
    commit: always
    sync: never
    source: ./stock
`);
  expect(config).toEqual({
    path: '/project/cachelane.yaml',
    projectDir: '/project',
    policy: {},
    catalogs: [],
    namespace: { value: 'github.com/acme/web', line: 3 },
    parents: [
      { value: 'teams/payments', line: 4 },
      { value: 'github.com/acme', line: 4 },
    ],
    volumes: [
      {
        name: 'npm',
        tool: null,
        path: null,
        sharing: null,
        commit: null,
        sync: null,
        source: null,
        compat: {},
        provider: null,
        line: 6,
      },
      {
        name: 'go-build',
        tool: null,
        path: null,
        sharing: null,
        commit: null,
        sync: null,
        source: null,
        compat: { image: 'strict', node: '1.10' },
        provider: null,
        line: 7,
      },
      {
        name: 'm2',
        tool: { value: 'maven', line: 9 },
        path: { value: '~/.m2/repository', line: 10 },
        sharing: 'PRIVATE',
        commit: 'always',
        sync: 'never',
        source: { value: './stock', line: 14 },
        compat: {},
        provider: null,
        line: 8,
      },
    ],
    warnings: [],
  });
});

test.each(['', '# nothing\n', '---\n', '\uFEFF'])('%j sets nothing', (text) => {
  expect(parse(text)).toMatchObject({ namespace: null, parents: null, volumes: null, warnings: [] });
});

test('aliases of catalogs are read with their lines', () => {
  expect(parse('catalogs:\n  my-org: github.com/acme\n  tools: teams/tools').catalogs).toEqual([
    { alias: 'my-org', namespace: { value: 'github.com/acme', line: 2 } },
    { alias: 'tools', namespace: { value: 'teams/tools', line: 3 } },
  ]);
});

test('an empty list of volumes differs from none', () => {
  expect(parse('volumes: {}').volumes).toEqual([]);
  expect(parse('parents: []').parents).toEqual([]);
});

test('anchors are followed', () => {
  expect(parse('volumes:\n  a: &x { path: cache }\n  b: *x\n').volumes?.map(({ path }) => path?.value)).toEqual([
    'cache',
    'cache',
  ]);
});

describe('errors have line, column and reason', () => {
  test.each([
    ['volums: {}', 'cachelane.yaml:1:1: unknown key "volums"; did you mean volumes?'],
    ['volumes:\n  npm: { pth: x }', 'cachelane.yaml:2:10: unknown key "pth"; did you mean path?'],
    ['catalogs: [acme]', 'cachelane.yaml:1:11: catalogs must be a mapping (key: value)'],
    ['catalogs: { my.org: github.com/acme }', 'cachelane.yaml:1:13: "my.org" is not a valid alias'],
    ['catalogs: { my-org: GitHub.com/acme }', 'cachelane.yaml:1:21: namespace'],
    ['catalogs: { my-org: }', 'cachelane.yaml:1:21: a namespace must be text'],
    ['- a', 'cachelane.yaml:1:1: the file must be a mapping (key: value)'],
    ['volumes: [npm]', 'cachelane.yaml:1:10: volumes must be a mapping (key: value)'],
    ['volumes:\n  npm: yes please', 'cachelane.yaml:2:8: the volume npm must be a mapping (key: value)'],
    ['namespace:', 'cachelane.yaml:1:11: a namespace must be text'],
    ['namespace: [a]', 'cachelane.yaml:1:12: a namespace must be text'],
    ['parents: teams', 'cachelane.yaml:1:1: parents must be a list of namespaces'],
    ['a: 1\na: 2', 'cachelane.yaml:2:1: Map keys must be unique'],
    ['volumes: {}\n---\nvolumes: {}', 'cachelane.yaml:2:1: '],
    ['a: [', 'cachelane.yaml:1:5: '],
    ['volumes:\n  a b: {}', 'cachelane.yaml:2:3: volume name "a b" has characters that need escapes'],
    [
      'volumes:\n  a: { sharing: OPEN }',
      'cachelane.yaml:2:17: sharing must be one of PRIVATE, SHARED, LOCKED, not "OPEN"',
    ],
    [
      'volumes:\n  a: { commit: often }',
      'cachelane.yaml:2:16: commit must be one of exit, success, always, never, not "often"',
    ],
    ['volumes:\n  a: { sync: sometimes }', 'cachelane.yaml:2:14: sync must be one of always, never, not "sometimes"'],
    ['volumes:\n  a: { compat: { "x y": z } }', 'cachelane.yaml:2:25: compat field "x y" is not a field name'],
    [
      'volumes:\n  a:\n    path: x\n    sharing:',
      'cachelane.yaml:4:5: sharing must be one of PRIVATE, SHARED, LOCKED but has no value; the default',
    ],
    [
      'volumes:\n  a: { sharing: "" }',
      'cachelane.yaml:2:8: sharing must be one of PRIVATE, SHARED, LOCKED but has no value',
    ],
    [
      'volumes:\n  a: { sharing: [SHARED] }',
      'cachelane.yaml:2:17: sharing must be one of PRIVATE, SHARED, LOCKED as a single word',
    ],
    ['volumes:\n  a: { sharing: 1 }', 'cachelane.yaml:2:17: sharing must be one of PRIVATE, SHARED, LOCKED, not "1"'],
    ['volumes:\n  a: { compat: { x: [y] } }', 'cachelane.yaml:2:21: compat.x must be text'],
  ])('%j', async (text, message) => {
    expect(await problem(() => parse(text))).toContain(message);
  });

  test('an invalid namespace is refused with the canonical spelling', async () => {
    expect(await problem(() => parse('namespace: GitHub.com/Acme/Web'))).toMatch(
      /^cachelane\.yaml:1:12: .*\(write it like this: github\.com\/acme\/web\)$/,
    );
  });

  test('all at once, within reason', async () => {
    const text = await problem(() => parse('a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1'));
    expect(text).toMatch(/^cachelane\.yaml:1:1: .*; cachelane\.yaml:5:1: [^;]*; and 2 more$/);
  });
});

describe('the file cannot reach outside the project', () => {
  test.each([
    ['/var/cache', 'is absolute: a file in the repository may only use paths in the project'],
    ['../other', 'must not contain ".."'],
    ['~/../ann', 'must not contain ".."'],
    ['~ann/x', "names another user's home"],
    ['.', 'is the project itself'],
    ['.git', 'is the git directory'],
    ['lib/.git/objects', 'is the git directory'],
    ['~', 'is the home directory'],
    ['~/', 'is the home directory'],
  ])('path %s', async (path, why) => {
    expect(await problem(() => parse(`volumes:\n  a: { path: "${path}" }`))).toContain(
      `cachelane.yaml:2:14: path ${JSON.stringify(path)} ${why}`,
    );
  });

  test.each([
    ['/var/cache', 'leads out of the project'],
    ['~/.npm', 'leads out of the project'],
    ['~', 'leads out of the project'],
    ['../other', 'must not contain ".."'],
    ['a/../../b', 'must not contain ".."'],
    ['./', 'is the project itself'],
    ['.git/objects', 'is the git directory'],
  ])('source %s', async (source, why) => {
    expect(await problem(() => parse(`volumes:\n  a: { source: "${source}" }`))).toContain(
      `cachelane.yaml:2:16: source ${JSON.stringify(source)} ${why}`,
    );
  });

  test.each(['remote: s3://key:s3cret@bucket', 'remote: none', 'push: always', 'push:'])(
    'sharing with whom: %s',
    async (line) => {
      const [key = ''] = line.split(':');
      const said = await problem(() => parse(`volumes: {}\n${line}`));
      expect(said).toMatch(new RegExp(`^cachelane\\.yaml:2:1: ${key} cannot be set in the repository, because anyone`));
      expect(said).toMatch(new RegExp(`set CACHELANE_${key.toUpperCase()}, or put it into .*config\\.yaml`));
      expect(said).not.toContain('s3cret');
    },
  );

  test.each(['dir:/mnt/pip', 'host:', 'docker-volume:pip', 'oci:ghcr.io/acme/pip', 'vault:a'])(
    'the file cannot choose the provider %s',
    async (provider) => {
      const said = await problem(() => parse(`volumes:\n  a: { provider: "${provider}" }`));
      expect(said).toContain('cannot be set in the repository');
      expect(said).toContain('project, catalog and none');
    },
  );

  test('the file can choose the providers project, catalog and none', () => {
    const texts = [
      'none',
      '"none:"',
      'project',
      '"project:github.com/acme/other:pip"',
      '"catalog:github.com/acme/pip"',
    ];
    const { volumes } = parse(
      `volumes:\n${texts.map((text, index) => `  v${index}: { provider: ${text} }\n`).join('')}`,
    );
    expect(volumes?.map(({ provider }) => provider)).toEqual([
      { value: { kind: 'none', argument: '' }, line: 2 },
      { value: { kind: 'none', argument: '' }, line: 3 },
      { value: { kind: 'project', argument: '' }, line: 4 },
      { value: { kind: 'project', argument: 'github.com/acme/other:pip' }, line: 5 },
      { value: { kind: 'catalog', argument: 'github.com/acme/pip' }, line: 6 },
    ]);
  });

  test('a secret in a provider is not repeated', async () => {
    const said = await problem(() => parse('volumes:\n  a: { provider: "https://ann:s3cret@host/x" }'));
    expect(said).toContain('cannot be set in the repository');
    expect(said).not.toMatch(/ann:|s3cret/);
  });
});

describe('unsupported settings', () => {
  test('a warning if they are harmless', () => {
    const { warnings } = parse(
      'policy: { siblings: read }\nvolumes:\n  a: { path: x }\n  b: { path: y, sharing: shared, owner: ann }',
    );
    expect(warnings).toEqual([
      'cachelane.yaml:1:11: policy siblings is not supported by this version, ignored',
      'cachelane.yaml:4:34: owner is not supported by this version, ignored',
    ]);
  });

  test.each([['visibility: private', 'untrusted runs could read the volume']])(
    '%s is an error, since ignoring it would leak or lose something',
    async (line, why) => {
      expect(await problem(() => parse(`volumes:\n  a: { path: x, ${line} }`))).toContain(why);
    },
  );

  test('a default value gives no warning', () => {
    expect(
      parse('volumes:\n  a: { path: x, provider: project, visibility: public, sharing: private }').warnings,
    ).toEqual([]);
  });
});

describe('the file itself', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'cachelane-config-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  test('is read', async () => {
    writeFileSync(join(dir, 'cachelane.yaml'), 'volumes: { npm: {} }');
    expect(await readConfig(join(dir, 'cachelane.yaml'))).toMatchObject({
      projectDir: dir,
      volumes: [{ name: 'npm' }],
    });
  });

  test('has to be a small text file', async () => {
    const path = join(dir, 'cachelane.yaml');
    expect(await problem(() => readConfig(path))).toContain('cannot be read (ENOENT)');
    writeFileSync(path, Buffer.from([0x61, 0xff]));
    expect(await problem(() => readConfig(path))).toBe('cachelane.yaml is not UTF-8 text');
    writeFileSync(path, '#'.repeat(300_000));
    expect(await problem(() => readConfig(path))).toContain('is larger than');
    rmSync(path);
    mkdirSync(path);
    expect(await problem(() => readConfig(path))).toBe('cachelane.yaml is not a file');
  });
});
