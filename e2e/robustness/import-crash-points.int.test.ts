import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError, type LayerId } from '@cachelane/core';
import { openExport, importLayers, type Imported } from '@cachelane/engine';
import { readBundle, writeBundle } from '@cachelane/store';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import {
  context,
  createCrashHome,
  immortal,
  noAbort,
  requestFor,
  volumesOf,
  type CrashHome,
  type CrashProcess,
} from './crash-home.fixture.ts';
import {
  dyingAct,
  expectClean,
  expectWhole,
  firstSave,
  look,
  pointsOf,
  rivalSave,
  save,
  secondSave,
} from './crash-points.fixture.ts';

// Invariant: an import may die at any operation on the disk or the metadata. The head then has its previous layers below
// the first layers of the export, all complete. A second import adds the rest, with the result of a single import.

async function exportTo(file: string, name: string): Promise<void> {
  using home = await createCrashHome();
  // An import refuses links that lead out.
  await save(home, firstSave.replace('../nowhere', 'nowhere'));
  await save(home, secondSave);
  await using process = await home.open();
  const { volume, head } = (await volumesOf(process.deps.metadata)).get(name) ?? {};
  if (volume === undefined || head === undefined) throw new Error(`nothing was saved to ${name}`);
  const from = { namespace: context.namespace, volume, head };
  await using exported = await openExport(process.deps, from, { history: true, signal: noAbort });
  await writeBundle(file, exported.parts, noAbort);
}

async function importFrom({ deps }: CrashProcess, home: CrashHome, { file, name }: Imports): Promise<Imported> {
  const { volumes, environment, lockWaitMs } = requestFor(home, '');
  const volume = volumes.find((each) => each.name === name);
  if (volume === undefined) throw new CachelaneError('E_INTERNAL', `no volume ${name}`);
  const about = {
    context,
    volume,
    environment,
    directory: null,
    revision: null,
    workflow: null,
    lockWaitMs,
    signal: noAbort,
  };
  return await importLayers(deps, about, readBundle(file));
}

interface Imports {
  readonly file: string;
  readonly name: 'data' | 'npm';
}

async function headOf(home: CrashHome, name: string): Promise<readonly LayerId[]> {
  await using process = await home.open();
  return (await volumesOf(process.deps.metadata)).get(name)?.head?.layers ?? [];
}

requireCommands('bwrap', 'flock')('an import that dies at any operation', { timeout: 900_000 }, () => {
  test.each(['data', 'npm'] as const)('of the volume %s, which has its own contents', async (name) => {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-crash-export-')));
    try {
      await enumerateImport({ file: join(dir, 'export'), name });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

async function enumerateImport(imports: Imports): Promise<void> {
  const { file, name } = imports;
  await exportTo(file, name);
  using home = await createCrashHome();
  await save(home, rivalSave);
  const restore = home.snapshot();
  const old = await headOf(home, name);
  const scenario = {
    prepare: async () => {},
    act: async (process: CrashProcess) => await importFrom(process, home, imports),
  };
  const { operations } = await dyingAct(home, scenario, immortal);
  const done = await headOf(home, name);
  const seen = await look(home);
  expect(done.slice(-old.length)).toEqual(old);
  expect(done.length).toBe(old.length + 2);
  expect(operations.length).toBeGreaterThanOrEqual(30);
  for (const point of pointsOf(operations)) {
    restore();
    const life = await dyingAct(home, scenario, point);
    expect(life.isDead).toBe(true);
    const where = `${point.when} operation ${point.operation}, ${operations[point.operation - 1] ?? ''}`;
    try {
      await expectGoesOn(home, { imports, old, done });
      expect(await look(home)).toEqual(seen);
      await expectClean(home);
    } catch (error) {
      throw new Error(`an import that died ${where}`, { cause: error });
    }
  }
}

interface Expected {
  readonly imports: Imports;
  readonly old: readonly LayerId[];
  readonly done: readonly LayerId[];
}

async function expectGoesOn(home: CrashHome, { imports, old, done }: Expected): Promise<void> {
  await expectWhole(home);
  const left = await headOf(home, imports.name);
  expect([old, done.slice(1), done]).toContainEqual(left);
  await using next = await home.open();
  const { taken, had } = await importFrom(next, home, imports);
  expect({ taken: taken.length, had }).toEqual({ taken: done.length - left.length, had: left.length - old.length });
  expect(await headOf(home, imports.name)).toEqual(done);
  await expectWhole(home);
}
