import type { BytePath, Entry, LayerIndex } from '@cachelane/core';
import type { FileRange } from '../files/store-files.ts';
import { archivePlaces, planArchive } from '../tar/archive-plan.ts';
import { HeaderSpace, tarHeader } from '../tar/tar-entries.ts';
import { imageHeadBytes } from './erofs-format.ts';

/** The image of a layer that this process opened. */
export interface ImagePlaces {
  readonly file: string;
  /** Where in the file an entry of the layer has its content, a symlink its target. */
  rangeOf(entry: Entry): FileRange;
}

/** The index is gone through when the first place is asked for (100k entries: a fifth of a second). */
export function openImagePlaces(file: string, index: () => LayerIndex): ImagePlaces {
  let places: ReadonlyMap<BytePath, number> | undefined;
  return {
    file,
    rangeOf(entry) {
      places ??= contentPlaces(index());
      const at = imageHeadBytes + (places.get(entry.path) ?? 0);
      const { sizeBytes } = entry;
      return { at: entry.type === 'symlink' ? at - targetBeforeEnd(entry) : at, sizeBytes };
    },
  };
}

function contentPlaces(index: LayerIndex): ReadonlyMap<BytePath, number> {
  const places = new Map<BytePath, number>();
  for (const { entry, contentAt } of archivePlaces(planArchive(index)))
    if (entry.digest !== null) places.set(entry.path, contentAt);
  return places;
}

/** How far before the end of its header a target begins. */
function targetBeforeEnd(entry: Entry): number {
  const { bytes, targetAt } = tarHeader(entry, new HeaderSpace());
  return bytes.length - (targetAt ?? 0);
}
