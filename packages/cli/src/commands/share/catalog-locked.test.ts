import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stage, type Stage } from '../../fixtures/staged-host.fixture.ts';

// Locked catalogs in a store without the catalog, and in one with a later version.

const acme = 'github.com/acme';

function write(on: Stage, name: string, text: string): void {
  writeFileSync(join(on.project, name), text);
}

/** Returns stdout. Throws if the command failed. */
async function said(on: Stage, ...argv: string[]): Promise<string> {
  const [out, err] = [on.out().length, on.err().length];
  const code = await on.cachelane(...argv);
  if (code === 0) return on.out().slice(out);
  throw new Error(`exit code ${code}: ${on.err().slice(err)}`);
}

/** Returns exit code and stderr. */
async function refused(on: Stage, ...argv: string[]): Promise<string> {
  const err = on.err().length;
  const code = await on.cachelane(...argv);
  return `${code}: ${on.err().slice(err)}`;
}

async function publish(on: Stage, volumes: string, namespace = acme): Promise<void> {
  write(on, 'offer.yaml', `volumes: { ${volumes} }`);
  await said(on, 'catalog', 'publish', 'offer.yaml', '-n', namespace, '--breaking');
}

/** A project that locked version 1 with a store that has version 2, and the same project on another machine. */
async function both(): Promise<Disposable & { readonly here: Stage; readonly fresh: Stage }> {
  let drawn = 0;
  // Two namespaces of one store have two ids.
  const random = { bytes: (count: number) => new Uint8Array(count).fill(++drawn) };
  const [here, fresh] = [stage({ random }), stage()];
  await publish(here, 'npm: { docs: Packages. }, pip: {}');
  await said(here, 'add', acme, '--as', 'my-org');
  await publish(here, 'npm: { docs: Packages. }, uv: {}');
  copyFileSync(join(here.project, 'cachelane.lock'), join(fresh.project, 'cachelane.lock'));
  const dispose = (): void => [here, fresh].forEach((each) => each[Symbol.dispose]());
  return { here, fresh, [Symbol.dispose]: dispose };
}

describe('an alias of cachelane.lock', () => {
  test('is shown from the store, else from the lock', async () => {
    using on = await both();
    const text = await said(on.here, 'catalog', 'show', 'my-org');
    expect(text).toMatch(/^version: +2$/m);
    expect(text).toMatch(/^locked: +version 1, as my-org$/m);
    expect(JSON.parse(await said(on.here, 'catalog', 'show', 'my-org', '--json'))).toMatchObject({
      version: 2,
      isInStore: true,
      locked: { alias: 'my-org', version: 1 },
    });
    const fresh = await said(on.fresh, 'catalog', 'show', 'my-org');
    expect(fresh).toMatch(/^catalog: +github\.com\/acme$/m);
    expect(fresh).toMatch(/^version: +1$/m);
    expect(fresh).toMatch(/^taken from: +cachelane\.lock: this store does not have it$/m);
    expect(fresh).toMatch(/^versions: +none here$/m);
    expect(fresh).toMatch(/^npm .*Packages\.$/m);
    expect(JSON.parse(await said(on.fresh, 'catalog', 'show', `${acme}@1`, '--json'))).toMatchObject({
      version: 1,
      isInStore: false,
      publishedAt: null,
      versions: [],
    });
    expect(await refused(on.fresh, 'catalog', 'show', 'my-org@2')).toContain(
      `1: cachelane: there is no catalog of ${acme}`,
    );
  });

  test('is compared with versions of the store, of the lock and of a file', async () => {
    using on = await both();
    const changes = '  pip removed, breaks\n  uv added\n';
    const sum = `${acme}@2: 2 differ, 1 break code\n${changes}`;
    expect(await said(on.here, 'catalog', 'diff', 'my-org')).toBe(`${acme}@1 -> ${sum}`);
    await said(on.here, 'catalog', 'rm', 'my-org@1');
    expect(await said(on.here, 'catalog', 'diff', 'my-org@1')).toBe(`${acme}@1 of cachelane.lock -> ${sum}`);
    write(on.fresh, 'next.yaml', 'volumes: { npm: { docs: Packages. }, uv: {} }');
    expect(await said(on.fresh, 'catalog', 'diff', 'my-org', 'next.yaml')).toBe(
      `${acme}@1 of cachelane.lock -> next.yaml: 2 differ, 1 break code\n${changes}`,
    );
    expect(await refused(on.fresh, 'catalog', 'diff', 'my-org')).toContain(
      `1: cachelane: there is no catalog of ${acme}`,
    );
  });

  test('lists known consumers even after all versions are removed', async () => {
    using on = await both();
    expect(await said(on.here, 'catalog', 'consumers', 'my-org')).toBe('no project has used it yet\n');
    const fresh = await refused(on.fresh, 'catalog', 'consumers', 'my-org/npm');
    expect(fresh).toContain(`1: cachelane: there is no catalog of ${acme}\n`);
    const { metadata } = on.here;
    const { signal } = new AbortController();
    const namespaceId = (await metadata.findNamespace(acme as never, signal))?.id as never;
    const use = { definition: 'npm', version: 1, consumerId: namespaceId, volumeId: null, atMs: 1_795_531_145_000 };
    await metadata.noteCatalogUse({ namespaceId, ...use }, signal);
    for (const version of [1, 2]) await said(on.here, 'catalog', 'rm', `${acme}@${version}`);
    expect(await said(on.here, 'catalog', 'consumers', 'my-org/npm')).toMatch(/^npm +github\.com\/acme +1 .* gone /m);
  });

  test('gives a clear error for an unreadable lock', async () => {
    using on = await both();
    write(on.fresh, 'cachelane.lock', '<<<<<<< HEAD\n{}\n=======\n{ }\n>>>>>>> theirs\n');
    for (const words of [['catalog', 'show', 'my-org'], ['generate'], ['add', acme]])
      expect(await refused(on.fresh, ...words)).toMatch(
        /^2: cachelane: .*cachelane\.lock has the conflict markers of an unfinished merge\n.*side/,
      );
    expect(await refused(on.fresh, 'catalog', 'show', acme)).toContain(`there is no catalog of ${acme}`);
  });
});

const explain = ['explain', '--verbose', 'npm', '--provider', 'npm=catalog:my-org/npm'];

describe('a provider that names a definition', () => {
  test('uses the lock, and explain shows it', async () => {
    using on = await both();
    const explained = async (at: Stage): Promise<unknown> =>
      (JSON.parse(await said(at, ...explain, '--json')) as { definition: unknown }).definition;
    const definition = { name: 'npm', namespace: acme, version: 1, isLocked: true };
    expect(await explained(on.here)).toEqual({ ...definition, isInStore: true });
    expect(await explained(on.fresh)).toEqual({ ...definition, isInStore: false });
    expect(await said(on.here, ...explain)).toMatch(
      /^definition: +npm of github\.com\/acme, version 1 \(cachelane\.lock\)$/m,
    );
    expect(await said(on.fresh, ...explain)).toMatch(/version 1 \(cachelane\.lock; this store does not have it\)$/m);
    expect(await said(on.fresh, ...explain)).toMatch(
      /^provider: +catalog:github\.com\/acme\/npm \(--provider, my-org by cachelane\.lock\)/m,
    );
  });

  test('uses the store without a lock; aliases of files win over those of the lock', async () => {
    using on = await both();
    await publish(on.here, 'npm: { key: others }', 'github.com/other');
    write(on.here, 'cachelane.yaml', 'catalogs: { my-org: github.com/other }');
    const text = await said(on.here, ...explain);
    const latest = 'the latest in this store; the project has locked none';
    expect(text).toContain(`npm of github.com/other, version 1 (${latest})`);
    expect(await said(on.here, 'explain', '--verbose', 'npm', '--provider', `npm=catalog:${acme}/npm`)).toContain(
      '(cachelane.lock)',
    );
  });

  test('is refused with a hint if neither has it or the lock is unreadable', async () => {
    using on = await both();
    const other = await refused(
      on.fresh,
      'explain',
      '--verbose',
      'npm',
      '--provider',
      'npm=catalog:github.com/other/npm',
    );
    expect(other).toContain('there is no catalog of github.com/other');
    expect(other).toContain('cachelane add github.com/other where it is published');
    write(on.here, 'cachelane.lock', '{');
    expect(await refused(on.here, ...explain)).toContain('cachelane.lock is not JSON');
    expect(await said(on.here, 'explain', '--verbose', 'npm')).toContain('provider:');
  });
});
