import type { Version } from '@cachelane/core';
import { arbitraryVersionOf, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { directoryDriver } from './directory.ts';
import { groupDriver } from './group.ts';
import { unionDriver } from './union.ts';

const arbitraryBytes = fc.uint8Array({ maxLength: 2 });
const a = versionOf(Buffer.from('a'));
const b = versionOf(Buffer.from('b'));

describe.each([unionDriver, groupDriver, directoryDriver])('$name', (driver) => {
  mergeDriverConformance(driver.name, driver, arbitraryVersionOf(arbitraryBytes));

  test('picks the nearest, with an opinion only if all are equal', () => {
    expect(driver.compose([a, a])).toEqual({ kind: 'pick', index: 0, opinion: true });
    expect(driver.compose([b, a, a])).toEqual({ kind: 'pick', index: 0, opinion: false });
  });

  test('another mode is a change', () => {
    expect(driver.same(a, versionOf(Buffer.from('a'), { mode: 0o755 }))).toBe(false);
  });

  test('never reads a version', () => {
    const unread: Version = { ...a, content: () => expect.fail('read') };
    driver.compose([unread, b]);
    driver.subtract(unread, unread);
    expect(driver.same(unread, unread)).toBe(true);
  });
});
