import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, LayerStore, StagedEntry, StoredLayer } from '@cachelane/core';
import { canMountImages, processRuntime, type MountWay } from '@cachelane/runtimes';
import { openLayerFiles, openMounters } from '@cachelane/store';
import {
  attachRequest,
  collect,
  contentEntry,
  madeEntry,
  removalEntry,
  requireCommands,
  type MounterFixture,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';

// The path of a layer between machines with real drivers: packed there, kept as an image here, mounted by the runtime.

const noAbort = new AbortController().signal;
const path = process.env['PATH'] ?? '';

const clock: Clock = { nowMs: () => 1, monotonicMs: () => 1, sleep: async () => await Promise.resolve() };

interface Home extends Disposable {
  readonly dir: string;
  readonly store: LayerStore;
}

function openHome(images: boolean): Home {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-pulled-')));
  const store = openLayerFiles({ dir, bootId: 'boot', clock, images: async () => await Promise.resolve(images) });
  return { dir, store, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

async function pulled(from: Home, to: Home, entries: readonly StagedEntry[]): Promise<StoredLayer> {
  const staged = await from.store.stage({ changes: null, entries, sealedAtMs: 1 }, noAbort);
  await from.store.publish(staged, noAbort);
  const sent = await from.store.pack(staged.id, noAbort);
  const incoming = await to.store.unpack({ ...sent, id: staged.id, sealedAtMs: 1 }, noAbort);
  await to.store.publish(incoming, noAbort);
  return await to.store.open(staged.id, noAbort);
}

const suite = requireCommands('bwrap', 'flock', 'unshare', 'setpriv', 'perl');

suite('layers of another machine', () => {
  describe.runIf(process.getuid?.() === 0).each<MountWay>(['bubblewrap', 'sudo'])('mounted by %s', (way) => {
    test('are visible to a command, and its changes are saved above them', async () => {
      using there = openHome(false);
      using here = openHome(true);
      expect(await canMountImages({ home: here.dir, path, mountWith: way })).toEqual({ ok: true });
      const below = await pulled(there, here, [
        madeEntry('d'),
        contentEntry('d/kept', 'from below'),
        contentEntry('d/gone', 'x'),
        contentEntry('old', 'x'),
      ]);
      const above = await pulled(there, here, [
        madeEntry('d'),
        removalEntry('d/gone', 'counted'),
        contentEntry('new', 'from above'),
      ]);
      expect([above.image, below.image]).toEqual([expect.any(String), expect.any(String)]);

      const targets = join(here.dir, '..', `${here.dir.split('/').at(-1)}-targets`);
      using _targets = { [Symbol.dispose]: () => rmSync(targets, { recursive: true, force: true }) };
      mkdirSync(targets);
      const mounter = openMounters({ dir: here.dir, bootId: 'boot' }).overlay;
      const request = attachRequest({ targets, mounter } as MounterFixture, { view: [above, below] });
      const volume = await mounter.attach(request, noAbort);
      const script = 'find . -type f | sort | xargs > ../seen; cat d/kept new >> ../seen; rm old; echo 2 > d/kept';
      const outcome = await processRuntime({ path, mountWith: () => way }).run({
        argv: ['sh', '-ec', script],
        cwd: volume.mount.target,
        env: { PATH: '/usr/bin:/bin' },
        mounts: [volume.mount],
        leaseFile: join(here.dir, 'lease'),
      });
      expect(outcome).toMatchObject({ kind: 'exited', exitCode: 0 });
      expect(readFileSync(join(targets, 'seen'), 'utf8')).toBe('./d/kept ./new ./old\nfrom belowfrom above');
      const { changes } = await collect(volume);
      expect(changes.map(({ kind, path: changed }) => `${kind} ${changed}`).toSorted()).toEqual([
        'dir d',
        'file d/kept',
        'removed old',
      ]);
      expect(readdirSync(above.treeDir ?? '')).toEqual([]);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(here.dir);
      await volume.release(noAbort);
    });
  });
});
