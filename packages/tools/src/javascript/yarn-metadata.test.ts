import { arbitraryVersionOf, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { yarnMetadataDriver } from './yarn-metadata.ts';

function metadata(count: number, etag = '"a"'): Uint8Array {
  const versions = Object.fromEntries(Array.from({ length: count }, (_, patch) => [`1.0.${patch}`, { name: 'left' }]));
  return Buffer.from(JSON.stringify({ metadata: { 'dist-tags': {}, versions }, etag }));
}

const arbitraryMetadata = fc
  .tuple(fc.nat({ max: 3 }), fc.constantFrom('"a"', '"b"'))
  .map(([count, etag]) => metadata(count, etag));

mergeDriverConformance('manifests of yarn', yarnMetadataDriver, arbitraryVersionOf(arbitraryMetadata));

test('of two answers, the one with more versions wins', () => {
  const [few, many] = [versionOf(metadata(1, '"b"')), versionOf(metadata(2))];
  expect(yarnMetadataDriver.compose([few, many])).toEqual({ kind: 'pick', index: 1, opinion: true });
  expect(yarnMetadataDriver.same(few, many)).toBe(false);
});

test.each(['', '[]', '{}', 'null', '{"metadata":null}', '{"metadata":{"versions":3}}'])('%j is none', (text) => {
  const [a, b] = [versionOf(Buffer.from(text)), versionOf(metadata(0))];
  expect(yarnMetadataDriver.compose([a, b])).toMatchObject({ index: 1 });
});
