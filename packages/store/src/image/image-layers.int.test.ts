import { layerStoreConformance, requireCommands } from '@cachelane/testkit';
import { describe } from 'vitest';
import { createLayerHome } from '../home/layer-home.fixture.ts';
import { createPulledHome } from '../home/pulled-home.fixture.ts';

requireCommands('fsck.erofs')('as root', () => {
  // The program that extracts images makes devices, which needs root.
  describe.skipIf(process.getuid?.() !== 0)('layers', () => {
    layerStoreConformance('files, images of what comes from elsewhere', () => createLayerHome({ images: true }));
    layerStoreConformance('files, all of them images', createPulledHome);
  });
});
