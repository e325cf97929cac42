import { CachelaneError } from '../base/errors.ts';
import type { EntryForm, EntryType, Removal } from './entry.ts';

// The byte layout of index version 1 (docs/reference/store-format.md, "Index"). Numbers are little-endian. A table
// of n "ends" divides its bytes into n consecutive pieces.

/** `clindex` and a line feed, so that text tools show the file type. */
export const indexMagic: readonly number[] = [0x63, 0x6c, 0x69, 0x6e, 0x64, 0x65, 0x78, 0x0a];
export const indexVersion = 1;

export const headerBytes = 64;
export const recordBytes = 64;
export const attributeBytes = 16;
export const runBytes = 16;
export const digestBytes = 32;

/** Offsets in the header. */
export const header = {
  version: 8,
  reserved: 12,
  entries: 16,
  specials: 20,
  directories: 24,
  attributes: 28,
  originSets: 32,
  originRefs: 36,
  runs: 40,
  groups: 44,
  directoryBytes: 48,
  nameBytes: 52,
  groupBytes: 56,
  reservedEnd: 60,
} as const;

/** Offsets in an entry's record. */
export const record = {
  digest: 0,
  seconds: 32,
  size: 40,
  nanoseconds: 48,
  directory: 52,
  nameEnd: 56,
  attribute: 60,
} as const;

/** Offsets in an attribute record, which entries share. */
export const attribute = {
  type: 0,
  mergeClass: 1,
  form: 2,
  removal: 3,
  mode: 4,
  reserved: 6,
  originSet: 8,
  group: 12,
} as const;

/** A code is the position in these lists. New versions may only append. */
export const typeCodes: readonly EntryType[] = ['file', 'dir', 'symlink'];
export const formCodes: readonly EntryForm[] = ['whole', 'delta'];
export const removalCodes: readonly (Removal | null)[] = [null, 'counted', 'below', 'hint'];

export interface IndexCounts {
  readonly entries: number;
  readonly specials: number;
  readonly directories: number;
  readonly attributes: number;
  readonly originSets: number;
  readonly originRefs: number;
  readonly runs: number;
  readonly groups: number;
  readonly directoryBytes: number;
  readonly nameBytes: number;
  readonly groupBytes: number;
}

/** Where each section starts, and the total length. */
export interface IndexSections {
  readonly records: number;
  readonly attributes: number;
  readonly specials: number;
  readonly directoryEnds: number;
  readonly groupEnds: number;
  readonly originSetEnds: number;
  readonly originRefs: number;
  readonly runs: number;
  readonly directoryBytes: number;
  readonly nameBytes: number;
  readonly groupBytes: number;
  readonly total: number;
}

/** Sections follow each other without gaps. Eight-byte fields stay aligned because the wide sections come first. */
export function layOut(counts: IndexCounts): IndexSections {
  const records = headerBytes;
  const attributes = records + counts.entries * recordBytes;
  const specials = attributes + counts.attributes * attributeBytes;
  const directoryEnds = specials + counts.specials * 4;
  const groupEnds = directoryEnds + counts.directories * 4;
  const originSetEnds = groupEnds + counts.groups * 4;
  const originRefs = originSetEnds + counts.originSets * 4;
  const runs = originRefs + counts.originRefs * 4;
  const directoryBytes = runs + counts.runs * runBytes;
  const nameBytes = directoryBytes + counts.directoryBytes;
  const groupBytes = nameBytes + counts.nameBytes;
  const total = groupBytes + counts.groupBytes;
  return {
    records,
    attributes,
    specials,
    directoryEnds,
    groupEnds,
    originSetEnds,
    originRefs,
    runs,
    directoryBytes,
    nameBytes,
    groupBytes,
    total,
  };
}

export function corrupt(what: string): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `the layer's index is damaged: ${what}`, {
    hint: 'the next run discards damaged layers and rebuilds their contents',
  });
}
