import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateClient } from '@cachelane/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogOf, exampleLock, lockedOf } from '../packages/core/src/catalogs/lock.fixture.ts';
import { checkedForNode, packSdk, readText, typeErrors } from './sdk/pack.fixture.ts';

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['an unknown name', 'client.myOrg().pipCach();', /TS2551.*'pipCach' does not exist.*Did you mean 'pipCache'/],
  ['a catalog that is not locked', 'client.yourOrg();', /TS2339.*'yourOrg'/],
  ['the name as the catalog spells it', 'client.myOrg()["pip-cache"]();', /TS2551.*'pip-cache'/],
  ['a removed method', 'client.myOrg().oldCache();', /TS2684.*"old-cache was removed in version 4: use .*pip-cache/],
  [
    'a name that means another volume now',
    'client.myOrg().maven();',
    /TS2684.*"maven was changed to another volume in version 4: key maven -> m2"/,
  ],
  [
    'a removed method, in a variable',
    'const { oldCache } = client.myOrg(); oldCache();',
    /TS2684.*removed in version 4/,
  ],
  ['an unknown option', 'client.myOrg().pipCache({ mode: "READ" });', /TS2353.*'mode'/],
  ['a method of an empty catalog', 'client.empty().pip();', /TS2339.*'pip'/],
];

const moduleWith = (code: string): string => `import { connect } from '@cachelane/sdk/node';
import type { CacheVolume, Engine } from '@cachelane/sdk';
import type { NodeEngine } from '@cachelane/sdk/node';
import { withCatalogs, type Catalogs, type MyOrgCatalog } from './cachelane.generated.ts';
export const types: [CacheVolume?, Engine?, NodeEngine?, Catalogs?, MyOrgCatalog?] = [];
const client = withCatalogs(await connect());
${code}`;

describe('a generated client, compiled', () => {
  let dir: string;

  beforeAll(async () => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-typed-')));
    await packSdk(dir);
    writeFileSync(join(dir, 'cachelane.generated.ts'), generateClient(exampleLock));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  const errorsOf = (...statements: readonly string[]): readonly string[] => {
    return typeErrors(dir, statements.map(moduleWith), checkedForNode)
      .split('\n')
      .filter((line) => line !== '');
  };

  test('returns volumes that are accepted wherever a volume is', () => {
    const errors = errorsOf(
      'const pip: CacheVolume = client.myOrg().pipCache(); await client.run([], { volumes: [pip, { volume: pip, variable: "PIP" }] });',
      'await using fork = await client.attach([client.myOrg().npm({ sharing: "LOCKED", compat: { image: "a" } })]); await fork.commit();',
      'client.cacheVolume("pip", { source: { volume: client.myOrg().pipCache() } }); await client.myOrg().gradle().in("a").info();',
      'const inner: NodeEngine = client.scope("npm", "x"); client.scope(import.meta).myOrg().pipCache(); inner.volumes();',
      'client.withNamespace("a/b").scope("c").tools().new(); withCatalogs(client).empty();',
      'const plain: Engine & Catalogs = withCatalogs(client as Engine); plain.myOrg();',
    );
    expect(errors).toEqual([]);
  });

  test('rejects volumes that the catalogs do not have', () => {
    // Starting a compiler takes seconds, so one run compiles everything.
    const errors = errorsOf(...refused.map(([, statement]) => statement));
    for (const [index, [what, , told]] of refused.entries()) {
      const own = errors.filter((line) => line.startsWith(`example-${index}.ts`));
      expect(own, what).toHaveLength(1);
      expect(own[0], what).toMatch(told);
    }
    expect(errors).toHaveLength(refused.length);
  });

  test('compiles for every lock file, including one with unused names', () => {
    const locks = [
      [],
      exampleLock.slice(2),
      exampleLock.slice(0, 1),
      [lockedOf(catalogOf(1, {}), { gone: [{ name: 'npm', why: 'removed in version 1' }] })],
      [
        lockedOf(catalogOf(2, { npm: {} }), {
          changed: [{ name: 'npm', why: 'changed to another volume in version 2' }],
        }),
      ],
    ];
    expect(
      typeErrors(
        dir,
        locks.map((lock) => generateClient(lock)),
        checkedForNode,
      ),
    ).toBe('');
  });

  test('shows the documentation of each volume', () => {
    const text = readText(dir, 'cachelane.generated.ts');
    expect(text).toMatch(/Wheels of all teams\.[^/]*\*\/\n  pipCache\(/);
    expect(text).toMatch(/@deprecated use pnpm[^/]*\/handbook\n   \*\/\n  npm\(/);
  });
});
