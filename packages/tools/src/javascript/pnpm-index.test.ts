import type { BytePath, Version } from '@cachelane/core';
import {
  arbitraryVersionOf,
  composedVersion,
  mergeDriverConformance,
  namingDriverConformance,
  storedVersion,
  versionOf,
} from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filesOf, pnpmIndexDriver } from './pnpm-index.ts';
import { readSqlite, type SqliteRow } from '../drivers/sqlite-file.ts';
import { database, type Pair } from '../drivers/sqlite-rows.fixture.ts';

const sql = {
  package_index: 'CREATE TABLE package_index (\n key TEXT PRIMARY KEY,\n data BLOB NOT NULL\n ) WITHOUT ROWID',
  package_index_alias: 'CREATE TABLE package_index_alias (key TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID',
};
const tables = [
  { name: 'package_index', columns: ['key', 'data'] as const, sql: sql.package_index },
  { name: 'package_index_alias', columns: ['key', 'target'] as const, sql: sql.package_index_alias },
];

function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(0xd9, value.length), Buffer.from(value)]);
}

/** Returns a row with one file, encoded like msgpackr. */
function row(digest: string, more = ''): Uint8Array {
  const files = [
    Buffer.of(0x81),
    text('index.js'),
    Buffer.of(0xd4, 0x72, 0x41, 0x92),
    text('digest'),
    text('mode'),
    text(digest),
    Buffer.of(0xcd, 0x01, 0xa4),
  ];
  return Buffer.concat([
    Buffer.of(0xd4, 0x72, 0x40, 0x92),
    text('algo'),
    text('files'),
    text(`sha512${more}`),
    ...files,
  ]);
}

function index(packages: readonly Pair[], aliases: readonly Pair[] = []): Uint8Array {
  return aliases.length === 0
    ? database({ package_index: packages }, sql)
    : database({ package_index: packages, package_index_alias: aliases }, sql);
}

const digests = ['aa11', 'bb22', 'cc33'] as const;
const arbitraryPackage = fc
  .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('', '-', '+'))
  .map(([key, more]): Pair => [key, row(digests[key.charCodeAt(0) % 3] ?? 'aa11', more)]);
const arbitraryAlias = fc.tuple(fc.constantFrom('x', 'y'), fc.constantFrom('other-layer')).map((pair): Pair => pair);
const arbitraryIndex = fc
  .tuple(fc.array(arbitraryPackage, { maxLength: 3 }), fc.array(arbitraryAlias, { maxLength: 2 }))
  .map(([packages, aliases]) => index(packages, aliases));

function rowsOf(content: Uint8Array): readonly SqliteRow[] {
  const read = readSqlite(content, tables);
  return read.kind === 'rows' ? read.rows : [];
}

mergeDriverConformance("pnpm's index of packages", pnpmIndexDriver, arbitraryVersionOf(arbitraryIndex));
namingDriverConformance("pnpm's index of packages", {
  driver: pnpmIndexDriver,
  arbitraryContent: arbitraryIndex,
  path: 'v11/index.db' as BytePath,
  names: (content) =>
    rowsOf(content).map(({ table, key, value }) => {
      const digest = /[abc]{2}\d\d/.exec(Buffer.from(value).toString('latin1'))?.[0] ?? '';
      const path = `v11/files/${digest.slice(0, 2)}/${digest.slice(2)}` as BytePath;
      return { name: `${table} ${key}`, contents: table === 'package_index' ? [path] : null };
    }),
});

function at(content: Uint8Array): Version {
  return versionOf(content);
}

function keysOf(content: Uint8Array): readonly string[] {
  return rowsOf(content).map(({ key }) => key);
}

function composed(...versions: readonly Version[]): Uint8Array {
  return composedVersion(versions, pnpmIndexDriver.compose(versions)).content();
}

describe('rows of several runs', () => {
  const pinned = at(index([['a', row('aa11')]]));
  const left = at(
    index([
      ['a', row('aa11')],
      ['b', row('bb22')],
    ]),
  );
  const right = at(
    index(
      [
        ['a', row('aa11')],
        ['c', row('cc33')],
      ],
      [['x', 'c']],
    ),
  );

  test('a run stores only its own rows', () => {
    expect(keysOf(storedVersion(pnpmIndexDriver, pinned, left).content())).toEqual(['b']);
  });

  test('a view has all rows, with the same bytes in any order of versions', () => {
    const stored = [left, right].map((mine) => storedVersion(pnpmIndexDriver, pinned, mine));
    const all = composed(...stored, pinned);
    expect(keysOf(all)).toEqual(['a', 'b', 'c', 'x']);
    expect(Buffer.from(composed(pinned, ...stored.toReversed())).equals(Buffer.from(all))).toBe(true);
  });

  test('the view’s header says that it has a log, as pnpm expects', () => {
    expect([...composed(left, right).subarray(18, 20)]).toEqual([2, 2]);
  });

  test('another page order or statistics are no change', () => {
    const again = at(
      database(
        {
          package_index: [
            ['b', row('bb22')],
            ['a', row('aa11')],
          ],
        },
        sql,
      ),
    );
    expect(pnpmIndexDriver.same(left, again)).toBe(true);
    expect(pnpmIndexDriver.same(left, pinned)).toBe(true);
    expect(pnpmIndexDriver.same(pinned, left)).toBe(false);
  });

  test('of two rows for one package, the one with build results wins', () => {
    const built = at(index([['a', row('aa11', ' with a build result')]]));
    expect(Buffer.from(rowsOf(composed(pinned, built))[0]?.value ?? '').toString('latin1')).toContain('build result');
    expect(Buffer.from(rowsOf(composed(built, pinned))[0]?.value ?? '').toString('latin1')).toContain('build result');
    expect(pnpmIndexDriver.same(pinned, built)).toBe(false);
  });
});

describe('a row without its files', () => {
  const path = 'v11/index.db' as BytePath;
  const all = at(
    index(
      [
        ['a', row('aa11')],
        ['b', row('bb22')],
      ],
      [
        ['x', 'a'],
        ['y', 'b'],
        ['z', 'elsewhere'],
      ],
    ),
  );

  test('is removed with its aliases', () => {
    const left = pnpmIndexDriver.close?.(all, path, (at) => at !== 'v11/files/aa/11');
    expect(keysOf(left ?? new Uint8Array())).toEqual(['b', 'y', 'z']);
  });

  test('is removed if the volume is the format’s directory', () => {
    const left = pnpmIndexDriver.close?.(all, 'index.db' as BytePath, (at) => at === 'files/aa/11');
    expect(keysOf(left ?? new Uint8Array())).toEqual(['a', 'x', 'z']);
  });

  test('is kept if it is unreadable', () => {
    const odd = at(
      index([
        ['a', Buffer.of(0xc1)],
        ['b', Buffer.of(0x81, 0xa5)],
      ]),
    );
    expect(pnpmIndexDriver.close?.(odd, path, () => false)).toBe(null);
  });
});

test.each([
  ['another table', 'CREATE TABLE newer (key TEXT PRIMARY KEY, data BLOB)'],
  ['another column', 'CREATE TABLE package_index (key TEXT PRIMARY KEY, data BLOB NOT NULL, extra TEXT) WITHOUT ROWID'],
  ['a view of that name', "CREATE VIEW package_index AS SELECT 'k' AS key, 'd' AS data"],
])('a database with %s has an unknown format and is taken whole', (_, statement) => {
  const newer = at(database({ odd: [] }, { odd: statement }));
  const known = at(index([['a', row('aa11')]]));
  expect(pnpmIndexDriver.subtract(known, newer)).toEqual({ form: 'whole' });
  expect(pnpmIndexDriver.clean?.(newer)).toBe(null);
  expect(pnpmIndexDriver.compose([newer])).toEqual({ kind: 'pick', index: 0, opinion: true });
});

test('a database with inconsistent pages is not stored', () => {
  const many = Array.from({ length: 200 }, (_, at): Pair => [`k${at}`, row('aa11', String(at))]);
  const image = Uint8Array.from(index(many));
  expect(pnpmIndexDriver.clean?.(at(image))).toBe(null);
  image.fill(0xa5, 4096, 5000);
  expect(pnpmIndexDriver.clean?.(at(image))).toEqual(new Uint8Array());
});

test('files of build scripts belong to a row', () => {
  const file = (digest: string, mode: number): Buffer =>
    Buffer.concat([
      Buffer.of(0x82),
      text('digest'),
      text(digest),
      text('mode'),
      Buffer.of(0xcd, mode >> 8, mode & 0xff),
    ]);
  const effects = Buffer.concat([Buffer.of(0x81), text('added'), Buffer.of(0x81), text('b.node'), file('bb22', 0o755)]);
  const value = Buffer.concat([
    Buffer.of(0x82),
    text('files'),
    Buffer.of(0x81),
    text('a.js'),
    file('aa11', 0o644),
    text('sideEffects'),
    Buffer.of(0x81),
    text('linux;x64;node26'),
    effects,
  ]);
  expect(filesOf({ value })).toEqual([
    { digest: 'aa11', mode: 0o644 },
    { digest: 'bb22', mode: 0o755 },
  ]);
});
