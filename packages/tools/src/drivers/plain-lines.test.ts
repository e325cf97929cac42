import { childPath, parentPath, type BytePath } from '@cachelane/core';
import {
  arbitraryVersionOf,
  composedVersion,
  mergeDriverConformance,
  namingDriverConformance,
  versionOf,
} from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainLinesDriver } from './plain-lines.ts';

const driver = plainLinesDriver({ contentOf: (line, path) => childPath(parentPath(path), `${line}.mod`) });
const path = 'cache/download/example.test/m/@v/list' as BytePath;

const arbitraryList = fc
  .array(fc.constantFrom('v1.0.0', 'v1.2.0', 'v1.10.0', 'v2.0.0-rc.1', ''), { maxLength: 5 })
  .map((lines) => Buffer.from(lines.map((line) => `${line}\n`).join('')));

mergeDriverConformance('lists', driver, arbitraryVersionOf(arbitraryList));
namingDriverConformance('lists', {
  driver,
  arbitraryContent: arbitraryList,
  path,
  names: (content) => namesOf(Buffer.from(content).toString('utf8')),
});

function namesOf(text: string): { name: string; contents: readonly BytePath[] }[] {
  const names = new Set(text.split('\n').filter((line) => line.length > 0));
  return [...names].map((name) => ({ name, contents: [`cache/download/example.test/m/@v/${name}.mod` as BytePath] }));
}

test('is a sorted set', () => {
  const versions = [versionOf(Buffer.from('v1.2.0\nv1.0.0\n')), versionOf(Buffer.from('v1.2.0\nv1.1.0'))];
  const content = composedVersion(versions, driver.compose(versions)).content();
  expect(Buffer.from(content).toString('utf8')).toBe('v1.0.0\nv1.1.0\nv1.2.0\n');
});

test('another order is no change', () => {
  expect(driver.same(versionOf(Buffer.from('a\nb\n')), versionOf(Buffer.from('b\na\n')))).toBe(true);
  expect(driver.same(versionOf(Buffer.from('a\nb\n')), versionOf(Buffer.from('b\n')))).toBe(true);
});

test('the rest of an interrupted write is skipped', () => {
  const versions = [versionOf(Buffer.from('v1.0.0\nv1.\0\0\0\0')), versionOf(Buffer.from('v1.1.0\n'))];
  const content = composedVersion(versions, driver.compose(versions)).content();
  expect(Buffer.from(content).toString('utf8')).toBe('v1.0.0\nv1.1.0\n');
});
