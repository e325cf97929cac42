import { digestOf, limits, type Composition, type MergeDriver, type Version } from '@cachelane/core';
import fc from 'fast-check';

export interface VersionOptions {
  readonly form?: Version['form'];
  readonly sealedAtMs?: number;
  readonly mode?: number;
}

/** Returns a version of a file as a merge driver sees it. */
export function versionOf(
  content: Uint8Array,
  { form = 'whole', sealedAtMs = 0, mode = 0o644 }: VersionOptions = {},
): Version {
  return {
    form,
    digest: digestOf(content),
    sizeBytes: content.length,
    mode,
    sealedAtMs,
    content: () => content,
  };
}

/** Whole versions with these contents, some sealed before times embedded in them. */
export function arbitraryVersionOf(content: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Version> {
  return fc
    .tuple(content, fc.integer({ min: 0, max: 12 }))
    .map(([bytes, sealedAtMs]) => versionOf(bytes, { sealedAtMs }));
}

/** Bytes that are no text, line or number: content that no driver expects. */
export const arbitraryJunk: fc.Arbitrary<Version> = fc
  .array(fc.constantFrom(0x00, 0xff), { minLength: 1, maxLength: 3 })
  .map((bytes) => versionOf(Uint8Array.from(bytes)));

/** A file over the limit; reading it fails the test. */
export const arbitraryOversize: fc.Arbitrary<Version> = fc.integer({ min: 0, max: 2 }).map((number) => ({
  ...versionOf(Uint8Array.of(number), { sealedAtMs: number }),
  sizeBytes: limits.mergedFileBytes + 1,
  content(): Uint8Array {
    throw new Error('a driver read a file over limits.mergedFileBytes');
  },
}));

/** Returns the version of a driver's answer. Throws if the answer names no version. */
export function composedVersion(versions: readonly Version[], composition: Composition): Version {
  if (composition.kind === 'content') {
    return versionOf(composition.content, { sealedAtMs: Math.max(...versions.map(({ sealedAtMs }) => sealedAtMs)) });
  }
  const picked = versions[composition.index];
  if (picked === undefined) throw new Error(`picked version ${composition.index} of ${versions.length}`);
  return picked;
}

export function hasOpinion(composition: Composition): boolean {
  return composition.kind === 'content' || composition.opinion;
}

/** Returns what is stored for a run that saw `pinned` and left `mine`. */
export function storedVersion(driver: MergeDriver, pinned: Version, mine: Version): Version {
  const subtraction = driver.subtract(pinned, mine);
  if (subtraction.form === 'whole') return mine;
  return versionOf(subtraction.content, { form: 'delta', sealedAtMs: mine.sealedAtMs });
}
