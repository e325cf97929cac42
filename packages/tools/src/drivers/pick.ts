import { limits, type Composition, type Version } from '@cachelane/core';

/** Returns the nearest whole version. Has an opinion only if all versions have the same bytes. */
export function pickNearest(versions: readonly Version[]): Composition {
  const index = nearestWhole(versions);
  return { kind: 'pick', index, opinion: allEqual(versions) };
}

/** Returns 0 if all are deltas; drivers with deltas never call it then. */
function nearestWhole(versions: readonly Version[]): number {
  return Math.max(
    versions.findIndex(({ form }) => form === 'whole'),
    0,
  );
}

/** Returns whether all versions have the same bytes and form. */
export function allEqual(versions: readonly Version[]): boolean {
  const [first] = versions;
  return versions.every(({ form, digest }) => form === first?.form && digest === first.digest);
}

export interface IndexedVersion {
  /** Position among all versions to compose. */
  readonly index: number;
  readonly version: Version;
}

/**
 * Returns the file unchanged if all versions are the same whole file, with the latest seal, so that most of its times count.
 * Returns null if they differ.
 */
export function pickAlike(candidates: readonly IndexedVersion[]): Composition | null {
  const [first] = candidates;
  if (first?.version.form !== 'whole' || !allEqual(candidates.map(({ version }) => version))) return null;
  const latest = candidates.reduce((a, b) => (b.version.sealedAtMs > a.version.sealedAtMs ? b : a));
  return { kind: 'pick', index: latest.index, opinion: true };
}

/** Too large to read into memory; such content has no opinion. */
export function isOversize(version: Version): boolean {
  return version.sizeBytes > limits.mergedFileBytes;
}
