import * as fs from 'node:fs';
import type { AttachedVolume, BytePath, OverlayMount, StoredLayer } from '@cachelane/core';
import { attachRequest, collect, entryFor, requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { isOpaque, readMarks } from '../files/markers.ts';
import { canMountAsRoot, createOverlayHome, rootMount, type OverlayHome } from './overlay-home.fixture.ts';

// Kernel behavior with other mount settings, which may be a system's defaults.

const noAbort = new AbortController().signal;
const sessionId = `ses_${'01'.repeat(16)}` as never;

async function layerWith(home: OverlayHome, script: string): Promise<StoredLayer> {
  const volume = await attach(home, 100, []);
  rootMount('index=off')(volume, script);
  const changes = await collect(volume);
  const entries = changes.changes.map((change) => ({ from: 'change', entry: entryFor(changes, change) }) as const);
  const staged = await home.layers.stage({ changes, entries, sealedAtMs: 1 }, noAbort);
  await home.layers.publish(staged, noAbort);
  return home.layers.open(staged.id, noAbort);
}

function attach(
  home: OverlayHome,
  ordinal: number,
  view: readonly StoredLayer[],
): Promise<AttachedVolume<OverlayMount>> {
  const target = `${home.targets}/v${ordinal}`;
  return home.mounter.attach(attachRequest(home, { sessionId, ordinal, view, target }), noAbort);
}

requireCommands('unshare')('overlays with a kernel’s own settings', () => {
  describe.runIf(canMountAsRoot())('mounted by root', () => {
    test('a new directory with a mark of the kernel replaces nothing', async () => {
      await using home = await createOverlayHome();
      const view = [await layerWith(home, 'mkdir d; echo f > d/f')];
      const volume = await attach(home, 0, view);
      rootMount('index=on')(volume, 'mkdir d/new; echo x > d/new/x; mkdir -p top/deep');
      const { upperDir } = volume.mount;
      const paths = ['d/new', 'top', 'top/deep'] as BytePath[];
      expect(readMarks(upperDir, paths).map((marks) => isOpaque(marks))).toEqual([true, true, false]);
      const changes = await collect(volume);
      expect(changes.changes.filter((change) => change.kind === 'dir' && change.replaces)).toEqual([]);
      expect(readMarks(upperDir, paths).map((marks) => isOpaque(marks))).toEqual([false, false, false]);
      expect(fs.readFileSync(`${upperDir}/d/new/x`, 'utf8')).toBe('x\n');
    });

    test.each([
      ['redirect_dir=on', 'mv d elsewhere', 'elsewhere'],
      ['redirect_dir=on,metacopy=on', 'chmod 600 d/f', 'd/f'],
    ])('a reference that %s makes is refused', async (options, script, path) => {
      await using home = await createOverlayHome();
      const view = [await layerWith(home, 'mkdir d; echo f > d/f')];
      const volume = await attach(home, 0, view);
      rootMount(options)(volume, script);
      await expect(collect(volume)).rejects.toEqual(
        expect.objectContaining({ code: 'E_LAYER_REFUSED', message: expect.stringContaining(path) as string }),
      );
    });

    test('a file of only holes is a plain file', async () => {
      await using home = await createOverlayHome();
      const volume = await attach(home, 0, []);
      rootMount('redirect_dir=on,metacopy=on')(volume, 'truncate -s 3000000 hole; truncate -s 10 shut; chmod 0 shut');
      const changes = await collect(volume);
      expect(new Map(changes.changes.map((change) => [change.path as string, change.kind]))).toEqual(
        new Map([
          ['hole', 'file'],
          ['shut', 'file'],
        ]),
      );
      expect(changes.read('hole' as BytePath).length).toBe(3_000_000);
    });
  });
});
