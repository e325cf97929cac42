import { limits, type Composition, type Version } from '@cachelane/core';

/** The nearest whole version, as a tie-break: it speaks for all only where all have the same bytes. */
export function pickNearest(versions: readonly Version[]): Composition {
  const index = nearestWhole(versions);
  return { kind: 'pick', index, opinion: allEqual(versions) };
}

/** 0 where there are deltas only; drivers that know deltas never ask then. */
function nearestWhole(versions: readonly Version[]): number {
  return Math.max(
    versions.findIndex(({ form }) => form === 'whole'),
    0,
  );
}

/** Same stored bytes in the same form. */
export function allEqual(versions: readonly Version[]): boolean {
  const [first] = versions;
  return versions.every(({ form, digest }) => form === first?.form && digest === first.digest);
}

export interface IndexedVersion {
  /** Among all versions that are composed. */
  readonly index: number;
  readonly version: Version;
}

/**
 * Where all are one and the same whole file it stays as it is, whatever times are in it; the latest seal lets most of
 * them count. Null where they differ.
 */
export function pickAlike(candidates: readonly IndexedVersion[]): Composition | null {
  const [first] = candidates;
  if (first?.version.form !== 'whole' || !allEqual(candidates.map(({ version }) => version))) return null;
  const latest = candidates.reduce((a, b) => (b.version.sealedAtMs > a.version.sealedAtMs ? b : a));
  return { kind: 'pick', index: latest.index, opinion: true };
}

/** Too large to be read into memory: content without an opinion. */
export function isOversize(version: Version): boolean {
  return version.sizeBytes > limits.mergedFileBytes;
}
