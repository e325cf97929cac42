import * as fs from 'node:fs';
import { join } from 'node:path';
import { type AttachedVolume, type StoredLayer } from '@cachelane/core';
import { attachRequest, collect, stageAll } from '@cachelane/testkit';
import { runScript, type KeptHome } from './kept-home.fixture.ts';

// Runs of one lane, one after the other. Each knows its directory.

export const noAbort: AbortSignal = new AbortController().signal;

export async function attach(home: KeptHome, view: readonly StoredLayer[] = []): Promise<AttachedVolume> {
  return await home.mounter.attach(attachRequest(home, { view, reach: 'setting' }), noAbort);
}

export async function save(home: KeptHome, volume: AttachedVolume): Promise<StoredLayer> {
  const changes = await collect(volume);
  const entries = stageAll(changes, { run: `run_${'0'.repeat(32)}` as never });
  const staged = await home.layers.stage({ changes, entries, sealedAtMs: 1 }, noAbort);
  await home.layers.publish(staged, noAbort);
  await volume.release(noAbort);
  return await home.layers.open(staged.id, noAbort);
}

export async function layerOf(home: KeptHome, script: string, view: readonly StoredLayer[] = []): Promise<StoredLayer> {
  const volume = await attach(home, view);
  runScript(volume, script);
  return await save(home, volume);
}

export const changed = async (volume: AttachedVolume): Promise<readonly string[]> =>
  (await collect(volume)).changes.map(({ path }) => path as string).toSorted();

export function dirOf({ mount }: Pick<AttachedVolume, 'mount'>): string {
  if (mount.kind !== 'directory') throw new Error('this is not a directory');
  return mount.path;
}

/** The paths in the volume, then what its files hold, both in the order of their names. */
export function show({ mount }: Pick<AttachedVolume, 'mount'>): string {
  const dir = mount.kind === 'directory' ? mount.path : mount.target;
  const entries = fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .map((entry) => ({ path: join(entry.parentPath, entry.name), isFile: entry.isFile() }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const contents = entries.filter(({ isFile }) => isFile).map(({ path }) => fs.readFileSync(path, 'utf8'));
  return [...entries.map(({ path }) => `.${path.slice(dir.length)}\n`), ...contents].join('');
}
