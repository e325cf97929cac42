import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { LaneName, Namespace } from '@cachelane/core';
import { aLayer, countingIds, noAbort, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import { currentVersion, migrations } from './migrations.ts';
import { openStore, scratchDir } from './real-world.fixture.ts';

const golden = (version: number): string =>
  readFileSync(new URL(`./golden/state-v${version}.sql`, import.meta.url), 'utf8');

/** The schema of a database as SQL, without spaces that mean nothing. */
function schemaOf(raw: DatabaseSync): readonly string[] {
  const rows = raw.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
  return rows.map(({ sql }) => String(sql).replace(/\s+/g, ' '));
}

describe('stores of earlier formats', () => {
  test.each(migrations.map(({ version }) => version))('a step, once shipped, stays as it is: format %i', (version) => {
    using shipped = new DatabaseSync(':memory:');
    shipped.exec(golden(version));
    using made = new DatabaseSync(':memory:');
    for (const step of migrations) if (step.version <= version) made.exec(step.sql);
    expect(schemaOf(made)).toEqual(schemaOf(shipped));
  });

  test('format 1 opens, says what it said, and goes on', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    {
      using raw = new DatabaseSync(file);
      raw.exec(golden(1));
    }
    await using metadata = await openStore(file);
    const namespace = {
      id: 'ns_00000000000000000000000000000003',
      paths: ['github.com/acme/web', 'local/web-0123'],
      createdAtMs: 1_767_225_600_000,
    };
    expect(await metadata.listNamespaces(noAbort)).toEqual([namespace]);
    const [volume] = await metadata.listVolumes(noAbort);
    const volumeId = volume?.id ?? expect.fail('the volume is gone');
    expect(volume).toMatchObject({ name: 'npm', compat: { arch: 'x64', os: 'linux' }, tool: 'npm' });
    const local = 't1:local' as LaneName;
    const head = await metadata.head(volumeId, local, noAbort);
    expect(head).toMatchObject({ generation: 2, layers: [aLayer('b'), aLayer('a')] });
    const history = await metadata.history(volumeId, local, noAbort);
    expect(history).toMatchObject([
      { generation: 2, layer: aLayer('b'), counts: { added: 3, changed: 2, removed: 1, sizeBytes: 4096 } },
      { generation: 1, layer: aLayer('a'), layers: [aLayer('a')] },
    ]);
    const layer = await metadata.layer(aLayer('a'), noAbort);
    expect(layer).toMatchObject({ volumeId, files: 5, bootId: 'boot-1' });
    expect(layer && (await metadata.run(layer.run, noAbort))).toMatchObject({ revision: 'c0ffee', workflow: 'ci.yml' });
    const [session, ...others] = await metadata.listSessions(noAbort);
    expect(others).toEqual([]);
    expect(session).toMatchObject({
      place: 'mnt:4026531841',
      targets: ['/home/ann/.npm'],
      pins: [aLayer('b'), aLayer('a')],
    });

    const compat = { os: 'linux', arch: 'x64' };
    const ids = countingIds(1000);
    const { run, opened } = await openOne(
      metadata,
      openRequest(ids, { namespace: 'local/web-0123' as Namespace, volumes: [{ compat }] }),
    );
    expect(opened.own.generation).toBe(2);
    expect(await pushLayer(metadata, { volumeId, run, layer: aLayer('c') })).toMatchObject({ generation: 3 });
    const removed: string[] = [];
    if (session) await metadata.closeSession(session.id, (dirs) => removed.push(...dirs), noAbort);
    expect(removed).toEqual(['/home/ann/.cache', '/home/ann/.npm']);
    using raw = new DatabaseSync(file);
    expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: currentVersion });
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });
});
