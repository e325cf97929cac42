import type { Mounters } from '@cachelane/core';
import { openCloneMounter, type KeptMounterOptions } from '../kept/clone-mounter.ts';
import { openLiveMounter } from '../kept/live-mounter.ts';
import { openOverlayMounter } from '../overlay/overlay-mounter.ts';

/** Opens every mounter of one home. Layers must be in the file system, as `openLayerFiles` keeps them. */
export function openMounters(options: KeptMounterOptions): Mounters {
  return {
    overlay: openOverlayMounter(options),
    clone: openCloneMounter(options),
    live: openLiveMounter(options),
  };
}
