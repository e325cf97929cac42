import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogDigest, catalogText, newId, parseLock, parseNamespace, readCatalog } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { stage, type Stage } from '../../fixtures/staged-host.fixture.ts';

const signal = new AbortController().signal;

async function publish(on: Stage, volumes: object, path = 'github.com/acme'): Promise<void> {
  const content = readCatalog({ volumes }, { source: 'the catalog', tools: null });
  const freshId = newId('namespace', new Uint8Array(16).fill(path.length));
  const { namespace } = await on.metadata.createNamespace({ path: parseNamespace(path), freshId, atMs: 1 }, signal);
  const latest = await on.metadata.catalogVersion(namespace.id, null, signal);
  await on.metadata.publishCatalog(
    {
      namespaceId: namespace.id,
      text: catalogText(content),
      digest: catalogDigest(content),
      expectedVersion: latest?.version ?? 0,
      publishedAtMs: 1,
      by: 'ann',
    },
    signal,
  );
}

const lockOf = (on: Stage): string => readFileSync(join(on.project, 'cachelane.lock'), 'utf8');

describe('add', () => {
  test('locks the latest version beside the project and lists its contents', async () => {
    using on = stage();
    await publish(on, { npm: {}, pip: { docs: 'Wheels.' } });
    expect(await on.cachelane('add', 'github.com/acme', '--as', 'my-org')).toBe(0);
    expect(on.out()).toBe('my-org: github.com/acme is locked at version 1\n  2 volumes\n');
    expect(parseLock(lockOf(on), 'it')).toMatchObject([{ alias: 'my-org', version: 1 }]);
  });

  test('again lists changes and which of them break code', async () => {
    using on = stage();
    await publish(on, { npm: {}, pip: { deprecated: 'use uv' }, go: { tool: 'go-build' } });
    await on.cachelane('add', 'github.com/acme');
    await publish(on, { npm: { docs: 'New.' }, uv: { docs: 'Fast.\nVery.' }, go: { tool: 'go-build', key: 'go2' } });
    const before = on.out().length;
    expect(await on.cachelane('add', 'github.com/acme', '--dry-run')).toBe(0);
    expect(lockOf(on)).toContain('"version": 1,\n      "digest"');
    const lines = `  breaks code: go key go -> go2
  changed: npm docs none -> New.
  breaks code: pip was removed in version 2: use uv
  added: uv Fast.
  code that asks for pip, go does not compile; once it is fixed: cachelane add github.com/acme --accept pip --accept go
`;
    expect(on.out().slice(before)).toBe(`acme: github.com/acme would be locked at version 2, from version 1\n${lines}`);
    expect(await on.cachelane('add')).toBe(0);
    expect(on.out()).toContain(`acme: github.com/acme is locked at version 2, from version 1\n${lines}`);
    const after = on.out().length;
    const accepted = ['--accept', 'pip', '--accept', 'go'];
    expect(await on.cachelane('add', 'github.com/acme', ...accepted)).toBe(0);
    expect(on.out().slice(after)).toBe('acme: github.com/acme stays at version 2\n');
    expect(parseLock(lockOf(on), 'it')).toMatchObject([{ gone: [], changed: [] }]);
  });

  test('explains removals by an announcement in a version between', async () => {
    using on = stage();
    await publish(on, { npm: {}, pip: {} });
    await on.cachelane('add', 'github.com/acme');
    await publish(on, { npm: {}, pip: { deprecated: 'use uv' } });
    await publish(on, { npm: {} });
    expect(await on.cachelane('add')).toBe(0);
    expect(on.out()).toContain('  breaks code: pip was removed in version 3: use uv\n');
  });

  test('keeps the locked version if the store no longer has it, with a warning', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await on.cachelane('add', 'github.com/acme');
    const text = lockOf(on);
    const record = await on.metadata.findNamespace(parseNamespace('github.com/acme'), signal);
    if (record === undefined) throw new Error('it was not published');
    await on.metadata.removeCatalogVersion(record.id, 1, signal);
    expect(await on.cachelane('add')).toBe(0);
    expect(on.err()).toContain('acme stays at version 1: there is no catalog of github.com/acme');
    expect(lockOf(on)).toBe(text);
    expect(await on.cachelane('add', 'github.com/acme')).toBe(1);
    expect(lockOf(on)).toBe(text);
    expect(await on.cachelane('generate')).toBe(0);
    await publish(on, { npm: {}, pip: {} });
    expect(await on.cachelane('add')).toBe(0);
    expect(on.err()).toContain('acme was locked at version 1, which no longer exists');
  });

  test('locks an earlier version, for programs', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await publish(on, { npm: {}, pip: {} });
    expect(await on.cachelane('add', 'github.com/acme', '--version', '1', '--json')).toBe(0);
    expect(JSON.parse(on.out())).toMatchObject({
      file: join(on.project, 'cachelane.lock'),
      dryRun: false,
      catalogs: [{ alias: 'acme', namespace: 'github.com/acme', version: 1, versionBefore: null, gone: [] }],
    });
  });

  test('writes the nearest lock of the repository, else a new one beside the project', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    mkdirSync(join(on.project, '.git'));
    writeFileSync(join(on.project, '.git/HEAD'), 'ref: refs/heads/main\n');
    const inner = join(on.project, 'apps/web');
    mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, 'package.json'), '{}');
    await on.cachelane('add', '-C', inner, 'github.com/acme');
    expect(existsSync(join(inner, 'cachelane.lock'))).toBe(true);
    await on.cachelane('add', 'github.com/acme', '--as', 'top');
    const other = join(on.project, 'apps/api');
    mkdirSync(other);
    writeFileSync(join(other, 'package.json'), '{}');
    await on.cachelane('add', '-C', other, 'github.com/acme', '--as', 'more');
    expect(existsSync(join(other, 'cachelane.lock'))).toBe(false);
    expect(parseLock(lockOf(on), 'it')).toMatchObject([{ alias: 'more' }, { alias: 'top' }]);
  });

  test.each([
    ['an alias without a catalog', ['--as', 'x'], 2, 'need one catalog'],
    ['no catalog', ['github.com/none'], 1, 'there is no catalog of github.com/none'],
    ['an invalid namespace', ['acme'], 1, 'there is no catalog of acme; did you mean github.com/acme?'],
    ['a mistyped name', ['github.com/amce'], 1, 'no catalog of github.com/amce; did you mean github.com/acme?'],
    ['no version', ['github.com/acme', '--version', '7'], 2, 'there is no version 7'],
    ['an invalid version', ['github.com/acme', '--version', 'new'], 2, 'must be a number'],
    ['a reserved alias', ['github.com/acme', '--as', 'run'], 2, 'clients already have a method run'],
    ['a definition that is not removed', ['github.com/acme', '--accept', 'npm'], 2, 'was neither removed nor changed'],
  ])('refuses %s', async (_, argv, code, message) => {
    using on = stage();
    await publish(on, { npm: {} });
    expect(await on.cachelane('add', ...argv)).toBe(code);
    expect(on.err()).toContain(message);
    expect(existsSync(join(on.project, 'cachelane.lock'))).toBe(false);
  });

  test('accepts and keeps the project’s alias', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await publish(on, { npm: {} }, 'github.com/other');
    writeFileSync(join(on.project, 'cachelane.yaml'), 'catalogs: { my-org: github.com/acme }\n');
    expect(await on.cachelane('add', 'github.com/acme')).toBe(0);
    expect(parseLock(lockOf(on), 'it')).toMatchObject([{ alias: 'my-org' }]);
    await publish(on, { npm: {}, pip: {} });
    expect(await on.cachelane('add', 'my-org')).toBe(0);
    expect(parseLock(lockOf(on), 'it')).toMatchObject([{ alias: 'my-org', version: 2 }]);
    writeFileSync(join(on.project, 'cachelane.yaml'), '');
    expect(await on.cachelane('add', 'my-org', '--version', '1')).toBe(0);
    expect(parseLock(lockOf(on), 'it')).toMatchObject([{ alias: 'my-org', version: 1 }]);
    writeFileSync(join(on.project, 'cachelane.yaml'), 'catalogs: { my-org: github.com/other }\n');
    expect(await on.cachelane('add', 'github.com/acme')).toBe(0);
    expect(on.err()).toContain('my-org means github.com/other in cachelane.yaml:1, which wins over cachelane.lock');
  });

  test('needs no catalog name if only one fits', async () => {
    using on = stage();
    await publish(on, { npm: {}, pip: {} });
    await publish(on, { go: { tool: 'go-build' } }, 'github.com/other');
    await on.cachelane('add', 'github.com/acme', '--as', 'my-org');
    await publish(on, { npm: {} });
    await on.cachelane('add');
    const before = lockOf(on);
    expect(before).toContain('"pip": "removed in version 2"');
    expect(await on.cachelane('add', '--accept', 'pip')).toBe(0);
    expect(lockOf(on)).not.toContain('removed in version 2');
    await on.cachelane('add', 'github.com/other');
    const withBoth = lockOf(on);
    expect(await on.cachelane('add', '--accept', 'pip')).toBe(2);
    expect(on.err()).toContain('name it: cachelane add NAMESPACE, or one of the locked ones: my-org, other');
    // Of two, the one with the definition or the alias.
    await on.cachelane('add', 'my-org', '--version', '1');
    await on.cachelane('add', 'my-org');
    expect(lockOf(on)).toContain('"pip": "removed in version 2"');
    expect(await on.cachelane('add', '--accept', 'pip')).toBe(0);
    expect(lockOf(on)).toBe(withBoth);
    expect(await on.cachelane('add', '--as', 'other', '--version', '1')).toBe(0);
    expect(await on.cachelane('add', '--as', 'nobody', '--version', '1')).toBe(2);
  });

  test('drops accepted removals without the catalog', async () => {
    using on = stage();
    await publish(on, { npm: {}, pip: {} });
    await on.cachelane('add', 'github.com/acme');
    await publish(on, { npm: {} });
    await on.cachelane('add');
    using fresh = stage();
    writeFileSync(join(fresh.project, 'cachelane.lock'), lockOf(on));
    expect(await fresh.cachelane('add', '--accept', 'nobody')).toBe(2);
    expect(fresh.err()).toContain('removed or changed: pip');
    expect(await fresh.cachelane('add', '--accept', 'pip')).toBe(0);
    expect(fresh.out()).toBe('acme: github.com/acme stays at version 2\n');
    expect(parseLock(lockOf(fresh), 'it')).toMatchObject([{ version: 2, gone: [] }]);
    expect(await fresh.cachelane('add', '--accept', 'pip')).toBe(2);
  });

  test('locks two versions under two aliases with a warning, and requires a choice', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await publish(on, { npm: {}, pip: {} });
    await on.cachelane('add', 'github.com/acme', '--version', '1');
    expect(await on.cachelane('add', 'github.com/acme', '--as', 'next')).toBe(0);
    expect(on.err()).toBe(
      'cachelane: warning: github.com/acme is also locked as acme, version 1; remove unused entries from cachelane.lock\n',
    );
    expect(await on.cachelane('add', 'github.com/acme')).toBe(2);
    expect(on.err()).toContain('github.com/acme is locked as acme and next');
    expect(on.err()).toContain('name one alias: cachelane add acme; or run cachelane add to update all');
    expect(await on.cachelane('add', 'acme', '--dry-run')).toBe(0);
    expect(on.out()).toContain('acme: github.com/acme would be locked at version 2, from version 1\n');
    expect(parseLock(lockOf(on), 'it')).toMatchObject([
      { alias: 'acme', version: 1 },
      { alias: 'next', version: 2 },
    ]);
  });

  test('has nothing to update without locked catalogs', async () => {
    using on = stage();
    expect(await on.cachelane('add')).toBe(0);
    expect(on.out()).toContain('locks no catalog; lock one with cachelane add NAMESPACE');
    expect(existsSync(join(on.project, 'cachelane.lock'))).toBe(false);
  });

  test('does not overwrite an invalid lock', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    writeFileSync(join(on.project, 'cachelane.lock'), 'mine');
    expect(await on.cachelane('add', 'github.com/acme')).toBe(2);
    expect(on.err()).toContain('cachelane.lock is not JSON');
    expect(lockOf(on)).toBe('mine');
  });
});

describe('generate', () => {
  test('writes the same client from the same lock', async () => {
    using on = stage();
    await publish(on, { 'pip-cache': { tool: 'pip', docs: 'Wheels.' } });
    await on.cachelane('add', 'github.com/acme', '--as', 'my-org');
    using other = stage();
    writeFileSync(join(other.project, 'cachelane.lock'), lockOf(on));
    expect(await other.cachelane('generate')).toBe(0);
    const file = join(other.project, 'cachelane.generated.ts');
    expect(other.out()).toBe(`wrote ${file}: 1 catalog\n`);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('  pipCache(options?: CatalogVolumeOptions): CacheVolume;');
    expect(existsSync(join(other.home, 'metadata.db'))).toBe(false);
    expect(await other.cachelane('generate', '--check')).toBe(0);
    expect(await other.cachelane('generate', '--json')).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('--check reports an outdated file and writes nothing', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await on.cachelane('add', 'github.com/acme');
    const file = join(on.project, 'cachelane.generated.ts');
    expect(await on.cachelane('generate', '--check')).toBe(1);
    expect(on.err()).toContain(`${file} does not exist: run cachelane generate`);
    expect(existsSync(file)).toBe(false);
    await on.cachelane('generate');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    expect(await on.cachelane('generate', '--check')).toBe(1);
    expect(on.err()).toContain(`${file} is out of date`);
    expect(on.err()).toMatch(/^  line \d+ is "", and would be not there$/m);
    await on.cachelane('generate');
    await publish(on, { npm: {}, pip: {} });
    await on.cachelane('add');
    expect(on.err()).toContain('cachelane.generated.ts does not match the lock: run cachelane generate');
    expect(await on.cachelane('generate', '--check')).toBe(1);
    const [one, two] = [1, 2].map((version) =>
      JSON.stringify(`/** The volumes that github.com/acme offers, in version ${version}. */`),
    );
    expect(on.err()).toContain(`  line 4 is ${one}, and would be ${two}\n`);
  });

  test('writes the given file', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await on.cachelane('add', 'github.com/acme');
    mkdirSync(join(on.project, 'src'));
    expect(await on.cachelane('generate', '--output', 'src/caches.ts')).toBe(0);
    expect(existsSync(join(on.project, 'src/caches.ts'))).toBe(true);
    expect(await on.cachelane('generate', '--output', 'none/caches.ts')).toBe(2);
    expect(on.err()).toContain('none/caches.ts (ENOENT)');
  });

  test('never overwrites a file that it did not write', async () => {
    using on = stage();
    await publish(on, { npm: {} });
    await on.cachelane('add', 'github.com/acme');
    const own = join(on.project, 'own.ts');
    writeFileSync(own, 'export const mine = 1;\n');
    symlinkSync(own, join(on.project, 'cachelane.generated.ts'));
    for (const more of [[], ['--output', 'own.ts'], ['--check']]) {
      expect(await on.cachelane('generate', ...more)).toBe(2);
      expect(on.err()).toContain('exists, and cachelane generate did not write it');
      expect(readFileSync(own, 'utf8')).toBe('export const mine = 1;\n');
    }
    writeFileSync(own, '/* eslint-disable */\n// Generated by `cachelane generate` long ago\n');
    expect(await on.cachelane('generate', '--output', 'own.ts')).toBe(0);
    writeFileSync(own, '');
    expect(await on.cachelane('generate', '--output', 'own.ts')).toBe(0);
  });

  test('needs a lock', async () => {
    using on = stage();
    expect(await on.cachelane('generate')).toBe(1);
    expect(on.err()).toContain('cachelane add NAMESPACE');
  });
});
