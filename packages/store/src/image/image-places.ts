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
      return { at: imageHeadBytes + (places.get(entry.path) ?? 0), sizeBytes: entry.sizeBytes };
    },
  };
}

/** Returns the offset in the archive of each content and of each symlink's target. */
function contentPlaces(index: LayerIndex): ReadonlyMap<BytePath, number> {
  const places = new Map<BytePath, number>();
  const space = new HeaderSpace();
  for (const place of archivePlaces(planArchive(index))) {
    const { entry, headAt, contentAt } = place;
    if (entry.digest === null) continue;
    places.set(entry.path, entry.type === 'symlink' ? headAt + (tarHeader(place, space).targetAt ?? 0) : contentAt);
  }
  return places;
}
