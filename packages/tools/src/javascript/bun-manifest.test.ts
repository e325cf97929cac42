import type { Version } from '@cachelane/core';
import { arbitraryVersionOf, composedVersion, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bunManifestDriver } from './bun-manifest.ts';

function manifest(freshUntil: number, rest = '1.0.0', version = 'v0.0.8'): Uint8Array {
  const content = Buffer.alloc(0x60 + 4 + 8);
  content.write(`#!/usr/bin/env bun\nbun-npm-manifest-cache-${version}\n`);
  content.writeUInt32LE(freshUntil, 0x60);
  content.write(rest, 0x64);
  return content;
}

function at(freshUntil: number, rest: string): Version {
  return versionOf(manifest(freshUntil, rest), { sealedAtMs: 1_000_000 });
}

const day = 86_400;
const arbitraryManifest = fc
  .tuple(fc.constantFrom(0, 1, day, day + 1, 3 * day), fc.constantFrom('1.0.0', '1.0.1'))
  .map(([freshUntil, rest]) => manifest(freshUntil, rest));

mergeDriverConformance('manifests of bun', bunManifestDriver, arbitraryVersionOf(arbitraryManifest));

test('revalidation is no change, another manifest is', () => {
  expect(bunManifestDriver.same(versionOf(manifest(1)), versionOf(manifest(9)))).toBe(true);
  expect(bunManifestDriver.same(versionOf(manifest(1)), versionOf(manifest(9, '1.0.1')))).toBe(false);
});

test('the latest manifest wins unless its clock was wrong', () => {
  const [old, later, wrong] = [at(900, '1.0.0'), at(1300, '1.0.1'), at(4_102_444_800, '0.9.0')];
  expect(bunManifestDriver.compose([old, later])).toEqual({ kind: 'pick', index: 1, opinion: true });
  const composed = composedVersion([wrong, later], bunManifestDriver.compose([wrong, later])).content();
  expect(Buffer.from(composed).readUInt32LE(0x60)).toBe(1000 + day);
});

test('of manifests in another format, the nearest wins', () => {
  const [a, b] = [versionOf(manifest(1, '1', 'v0.0.9')), versionOf(manifest(2, '2', 'v0.0.9'))];
  expect(bunManifestDriver.compose([a, b])).toEqual({ kind: 'pick', index: 0, opinion: false });
});
