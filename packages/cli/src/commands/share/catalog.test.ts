import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage, type Stage } from '../../fixtures/staged-host.fixture.ts';

const acme = 'github.com/acme';

function write(on: Stage, name: string, text: string): void {
  writeFileSync(join(on.project, name), text);
}

const yaml = `docs: What Acme offers.
volumes:
  npm: { docs: Packages. }
  pip-cache:
    tool: pip
    tier: catalog
    sharing: locked
    compat: { image: trixie }
    docs: |-
      Wheels.

      Built for our runners.
`;

/** Returns the last command's output. */
async function said(on: Stage, ...argv: string[]): Promise<string> {
  const before = on.out().length;
  expect(await on.cachelane('catalog', ...argv), on.err()).toBe(0);
  return on.out().slice(before);
}

const json = async (on: Stage, ...argv: string[]): Promise<unknown> => JSON.parse(await said(on, ...argv, '--json'));

describe('catalog publish', () => {
  test('makes a version of new contents', async () => {
    using on = stage();
    write(on, 'cachelane.catalog.yaml', yaml);
    const first = await said(on, 'publish', '-n', acme);
    expect(first).toMatch(
      /^published version 1 of the catalog of github\.com\/acme \([0-9a-f]{12}\)\n  npm added: Pack/,
    );
    const again = await said(on, 'publish', '-n', acme);
    expect(again).toMatch(/^version 1 of .* already has these contents: nothing was published\n$/);
  });

  test('a dry run shows what would change and changes nothing', async () => {
    using on = stage();
    write(on, 'cachelane.catalog.yaml', yaml);
    expect(await said(on, 'publish', '-n', acme, '--dry-run')).toMatch(/^would publish version 1 /);
    expect(await said(on, 'ls')).toBe('There are no catalogs yet.\n');
  });

  test('publishes for the project by default', async () => {
    using on = stage({ env: { CACHELANE_NAMESPACE: 'teams/site' } });
    write(on, 'cachelane.catalog.json', '{ "volumes": { "npm": {} } }');
    expect(await json(on, 'publish')).toMatchObject({
      dryRun: false,
      namespace: 'teams/site',
      version: 1,
      isNew: true,
    });
  });

  test('is refused if a run may not save', async () => {
    using on = stage({ env: mergeRequestOfFork });
    write(on, 'cachelane.catalog.yaml', yaml);
    expect(await on.cachelane('catalog', 'publish', '-n', acme)).not.toBe(0);
    expect(await said(on, 'ls')).toBe('There are no catalogs yet.\n');
  });

  test('that breaks code is refused with a hint', async () => {
    using on = stage();
    write(on, 'cachelane.catalog.yaml', yaml);
    await said(on, 'publish', '-n', acme);
    write(on, 'cachelane.catalog.yaml', 'volumes: { npm: { docs: Packages. } }');
    expect(await on.cachelane('catalog', 'publish', '-n', acme)).toBe(2);
    expect(on.err()).toContain('pip-cache was removed');
    expect(on.err()).toContain('--breaking');
    expect(await said(on, 'publish', '-n', acme, '--breaking')).toContain('  pip-cache removed, breaks\n');
  });

  test.each([
    ['no file', {}, [], 1, 'there is no cachelane.catalog.yaml or cachelane.catalog.ts'],
    ['a missing file', {}, ['none.yaml'], 1, 'there is no file'],
    ['two files', { 'cachelane.catalog.yaml': yaml, 'cachelane.catalog.ts': '' }, [], 2, 'cachelane.catalog.yaml'],
    ['invalid YAML', { 'a.yaml': 'volumes: {' }, ['a.yaml'], 2, 'cannot read a.yaml'],
    ['an unknown tool', { 'a.yaml': 'volumes: { wheels: {} }' }, ['a.yaml'], 2, '"wheels" is not a tool'],
  ])('is refused with the reason: %s', async (_, files, words, exitCode, why) => {
    using on = stage();
    for (const [name, text] of Object.entries(files)) write(on, name, text);
    expect(await on.cachelane('catalog', 'publish', ...words, '-n', acme)).toBe(exitCode);
    expect(on.err()).toContain(why);
  });
});

async function two(on: Stage): Promise<void> {
  write(on, 'cachelane.catalog.yaml', yaml);
  await said(on, 'publish', '-n', acme);
  write(
    on,
    'cachelane.catalog.yaml',
    yaml.replace('npm: { docs: Packages. }', 'npm: { deprecated: use pnpm }\n  pnpm: {}'),
  );
  await said(on, 'publish', '-n', acme);
}

describe('catalog ls, show and diff', () => {
  test('is listed with deprecated definitions', async () => {
    using on = stage();
    await two(on);
    expect(await said(on, 'ls')).toMatch(/^github\.com\/acme +2 +3 +1 .*What Acme offers\.$/m);
    expect(await json(on, 'ls', '--under', 'github.com/acme')).toMatchObject([
      { namespace: acme, version: 2, definitions: ['npm', 'pip-cache', 'pnpm'], deprecated: ['npm'] },
    ]);
    expect(await json(on, 'ls', '--under', 'github.com/other')).toEqual([]);
  });

  test('is shown in any version, also by an alias', async () => {
    using on = stage();
    await two(on);
    const text = await said(on, 'show', acme);
    expect(text).toMatch(/^version: +2$/m);
    expect(text).toMatch(/^npm +npm +npm +project .*deprecated: use pnpm$/m);
    expect(text).toMatch(/^pip-cache +pip +pip-cache +catalog +image=trixie +Wheels\.$/m);
    expect(await said(on, 'show', `${acme}@1`)).toMatch(/^version: +1, and the latest is 2$/m);
    write(on, 'cachelane.yaml', `catalogs: { my-org: ${acme} }\n`);
    expect(await json(on, 'show', 'my-org@1')).toMatchObject({
      namespace: acme,
      version: 1,
      versions: [{ version: 2 }, {}],
    });
    expect(await on.cachelane('catalog', 'show', `${acme}@9`)).toBe(2);
    expect(on.err()).toContain('there is no version 9');
    expect(await on.cachelane('catalog', 'show', `${acme}@next`)).toBe(2);
    expect(await on.cachelane('catalog', 'show', 'github.com/none')).toBe(1);
  });

  test('uses the alias of the user’s file before the project’s', async () => {
    using on = stage();
    await two(on);
    write(on, 'cachelane.yaml', 'catalogs: { my-org: github.com/other }\n');
    expect(await on.cachelane('catalog', 'show', 'my-org')).toBe(1);
    mkdirSync(join(on.dir, '.config/cachelane'), { recursive: true });
    writeFileSync(join(on.dir, '.config/cachelane/config.yaml'), `catalogs: { my-org: ${acme} }\n`);
    expect(await json(on, 'show', 'my-org')).toMatchObject({ namespace: acme });
  });

  test('is compared between versions and with a file', async () => {
    using on = stage();
    await two(on);
    const changes = '  npm changed: docs Packages. -> none; deprecated none -> use pnpm\n  pnpm added\n';
    const head = `${acme}@1 -> ${acme}@2: 2 differ, 0 break code\n`;
    for (const words of [[acme], [`${acme}@1`], [`${acme}@1`, `${acme}@2`]]) {
      expect(await said(on, 'diff', ...words)).toBe(head + changes);
    }
    write(on, 'next.yaml', 'volumes: { pnpm: {}, pip-cache: { tool: pip } }');
    const next = await said(on, 'diff', acme, 'next.yaml');
    expect(next).toContain('  npm removed, breaks code as announced: use pnpm\n');
    expect(next).toContain('  pip-cache changed, breaks: tier catalog -> project;');
    expect(await json(on, 'diff', acme, acme)).toEqual({ before: `${acme}@2`, after: `${acme}@2`, changes: [] });
  });

  test('is removed version by version', async () => {
    using on = stage();
    await two(on);
    expect(await said(on, 'rm', `${acme}@2`, '--dry-run')).toBe(
      `would remove version 2 of the catalog of ${acme}, used by no project\n`,
    );
    await said(on, 'rm', `${acme}@2`);
    expect(await json(on, 'show', acme)).toMatchObject({ version: 1 });
    expect(await on.cachelane('catalog', 'rm', `${acme}@2`)).toBe(1);
    expect(await on.cachelane('catalog', 'rm', acme)).toBe(2);
  });
});

describe('catalog consumers', () => {
  test('lists projects, definitions and versions', async () => {
    using on = stage();
    await two(on);
    expect(await said(on, 'consumers', acme)).toBe('no project has used it yet\n');
    const { signal } = new AbortController();
    const created = async (path: string, digit: string): Promise<string> =>
      (await on.metadata.createNamespace({ path: path as never, freshId: `ns_${digit}` as never, atMs: 1 }, signal))
        .namespace.id;
    const consumerId = (await created(`${acme}/web`, '8')) as never;
    const namespaceId = (await created(acme, '9')) as never;
    for (const [definition, version] of [
      ['npm', 1],
      ['pip-cache', 2],
    ] as const) {
      const use = { namespaceId, definition, version, consumerId, volumeId: null, atMs: 1_795_531_145_000 };
      await on.metadata.noteCatalogUse(use, signal);
    }
    expect(await said(on, 'consumers', acme)).toMatch(/^npm +github\.com\/acme\/web +1 of 2 .* gone +0 B$/m);
    expect(await json(on, 'consumers', `${acme}/pip-cache`)).toEqual([
      {
        definition: 'pip-cache',
        namespace: `${acme}/web`,
        version: 2,
        usedAt: '2026-11-24T14:39:05.000Z',
        volume: null,
        sizeBytes: 0,
      },
    ]);
    expect(await said(on, 'rm', `${acme}@1`, '--dry-run')).toContain(`used by ${acme}/web`);
    expect(await on.cachelane('catalog', 'consumers', 'github.com/none/npm')).toBe(1);
  });
});
