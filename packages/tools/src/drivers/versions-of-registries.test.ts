import type { BytePath } from '@cachelane/core';
import {
  arbitraryVersionOf,
  composedVersion,
  mergeDriverConformance,
  namingDriverConformance,
  versionOf,
} from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cargoIndexDriver } from '../rust/cargo-index.ts';
import { mavenMetadataDriver } from '../jvm/maven-metadata.ts';
import { mavenRemotesDriver } from '../jvm/maven-remotes.ts';

function cargoEntry(versions: readonly string[], etag = 'a'): Uint8Array {
  const lines = versions.map((version) => `${version}\0{"vers":"${version}"}\0`);
  return Buffer.concat([Buffer.of(3, 2, 0, 0, 0), Buffer.from(`etag: ${etag}\0${lines.join('')}`)]);
}

function metadata(time: number, versions = ''): Uint8Array {
  const lastUpdated = String(20_260_101_000_000 + time);
  return Buffer.from(
    `<metadata><versioning>${versions}<lastUpdated>${lastUpdated}</lastUpdated></versioning></metadata>`,
  );
}

const arbitraryCargo = fc
  .tuple(fc.subarray(['1.0.0', '1.0.1', '2.0.0']), fc.constantFrom('a', 'b'))
  .map(([versions, etag]) => cargoEntry(versions, etag));
const arbitraryMetadata = fc
  .tuple(fc.nat({ max: 2 }), fc.constantFrom('', '<version>1</version>'))
  .map(([time, versions]) => metadata(time, versions));
const arbitraryRemotes = fc
  .tuple(
    fc.constantFrom('#then\n', '#now\n'),
    fc.subarray(['left-1.0.jar>central=', 'left-1.0.pom>central=', 'left-1.0.jar>=']),
  )
  .map(([comment, lines]) => Buffer.from(comment + lines.map((line) => `${line}\n`).join('')));

mergeDriverConformance('entries of a sparse index', cargoIndexDriver, arbitraryVersionOf(arbitraryCargo));
mergeDriverConformance("Maven's metadata", mavenMetadataDriver, arbitraryVersionOf(arbitraryMetadata));
mergeDriverConformance("Maven's list of remotes", mavenRemotesDriver, arbitraryVersionOf(arbitraryRemotes));
namingDriverConformance("Maven's list of remotes", {
  driver: mavenRemotesDriver,
  arbitraryContent: arbitraryRemotes,
  path: 'com/acme/left/1.0/_remote.repositories' as BytePath,
  names(content) {
    const lines = Buffer.from(content).toString('utf8').split('\n');
    return lines.flatMap((line) => {
      const [, file] = /^([^#>]+)>/.exec(line) ?? [];
      return file === undefined ? [] : [{ name: line, contents: [`com/acme/left/1.0/${file}` as BytePath] }];
    });
  },
});

test('of two registry answers, the one with more versions wins', () => {
  const [few, many] = [versionOf(cargoEntry(['1.0.0'], 'b')), versionOf(cargoEntry(['1.0.0', '1.0.1']))];
  expect(cargoIndexDriver.compose([few, many])).toEqual({ kind: 'pick', index: 1, opinion: true });
  expect(cargoIndexDriver.same(few, many)).toBe(false);
});

test('of two repository answers, the later one wins', () => {
  const [old, later] = [versionOf(metadata(1)), versionOf(metadata(2))];
  expect(mavenMetadataDriver.compose([later, old])).toMatchObject({ index: 0, opinion: true });
});

describe("Maven's list of remotes", () => {
  const path = 'com/acme/left/1.0/_remote.repositories' as BytePath;
  const [a, b] = ['#then\nleft-1.0.jar>central=\n', '#now\nleft-1.0.pom>central=\n'].map((text) =>
    versionOf(Buffer.from(text)),
  ) as [ReturnType<typeof versionOf>, ReturnType<typeof versionOf>];

  test('a view has the lines of all versions', () => {
    const united = composedVersion([a, b], mavenRemotesDriver.compose([a, b])).content();
    expect(Buffer.from(united).toString('utf8')).toBe('left-1.0.jar>central=\nleft-1.0.pom>central=\n');
  });

  test('another time is no change', () => {
    expect(mavenRemotesDriver.same(a, versionOf(Buffer.from('#now\nleft-1.0.jar>central=\n')))).toBe(true);
  });

  test('names files in the same directory', () => {
    const left = mavenRemotesDriver.close?.(a, path, () => false);
    expect(left).toEqual(new Uint8Array());
    expect(mavenRemotesDriver.close?.(a, path, (at) => at === 'com/acme/left/1.0/left-1.0.jar')).toBe(null);
  });
});
