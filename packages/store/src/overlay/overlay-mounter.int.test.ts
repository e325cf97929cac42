import { mounterConformance, requireCommands } from '@cachelane/testkit';
import { describe } from 'vitest';
import { canMountAsRoot, createOverlayHome, inTurn, runInBubblewrap, rootMount } from './overlay-home.fixture.ts';

requireCommands('bwrap')('overlays in real mounts', () => {
  mounterConformance('overlay', () => createOverlayHome(), { randomRuns: 25 });

  // A layer must mean the same in both kinds of mount, whichever kind it comes from.
  describe.runIf(canMountAsRoot())('of root and of bubblewrap in turn', () => {
    mounterConformance('overlay', () => createOverlayHome(inTurn(runInBubblewrap, rootMount('index=off'))), {
      randomRuns: 25,
    });
  });
});
