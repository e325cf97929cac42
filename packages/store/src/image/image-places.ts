import type { BytePath, Entry, LayerIndex } from '@cachelane/core';
import type { FileRange } from '../files/store-files.ts';
import { archivePlaces, planArchive } from '../tar/archive-plan.ts';
import { HeaderSpace, tarHeader } from '../tar/tar-entries.ts';
import { imageHeadBytes } from './erofs-format.ts';

/** The image of a layer that this process opened. */
export interface ImagePlaces {
  readonly file: string;
  /** Returns the file range of an entry's content, or of a symlink's target. */
  rangeOf(entry: Entry): FileRange;
}

/** Opens places lazily: the first look-up reads the whole index (100k entries: 0.2 s). */
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

/** Returns how far before the end of its header the target begins. */
function targetBeforeEnd(entry: Entry): number {
  const { bytes, targetAt } = tarHeader(entry, new HeaderSpace());
  return bytes.length - (targetAt ?? 0);
}
