import { attachRequest, collect, entryFor, mounterConformance, requireCommands, useDisk } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { canMountAsRoot, createOverlayHome, inTurn, runInBubblewrap, rootMount } from './overlay-home.fixture.ts';

useDisk();

const noAbort = new AbortController().signal;

requireCommands('bwrap')('overlays in real mounts', () => {
  mounterConformance('overlay', () => createOverlayHome(), { randomRuns: 25 });

  // A layer must mean the same in both kinds of mount, whichever kind made it.
  describe.runIf(canMountAsRoot())('of root and of bubblewrap in turn', () => {
    mounterConformance('overlay', () => createOverlayHome(inTurn(runInBubblewrap, rootMount('index=off'))), {
      randomRuns: 25,
    });
  });

  describe.runIf(canMountAsRoot())('of layers in images, of root and of bubblewrap in turn', () => {
    const kinds = inTurn(runInBubblewrap, rootMount('index=off'));
    mounterConformance('overlay', () => createOverlayHome(kinds, 'images'), { randomRuns: 10 });

    test('uses images', async () => {
      await using home = await createOverlayHome(kinds, 'images');
      const changed = await home.mounter.attach(attachRequest(home), noAbort);
      await home.run(changed, [{ do: 'write', path: 'file', content: 'x' }]);
      const changes = await collect(changed);
      const entries = changes.changes.map((change) => ({ from: 'change', entry: entryFor(changes, change) }) as const);
      const staged = await home.layers.stage({ changes, entries, sealedAtMs: 1 }, noAbort);
      await home.layers.publish(staged, noAbort);
      const layer = await home.layers.open(staged.id, noAbort);
      const { mount } = await home.mounter.attach(attachRequest(home, { view: [layer] }), noAbort);
      expect(mount.images).toEqual([{ file: layer.image, dir: layer.treeDir }]);
      expect(layer.image).toMatch(/\.erofs$/);
    });
  });
});
