import type { BytePath } from '@cachelane/core';
import { arbitraryVersionOf, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pnpmPackageDriver } from './pnpm-package.ts';

const integrity = `sha512-${Buffer.from('aa11', 'hex').toString('base64')}`;

interface Described {
  readonly checkedAt?: number;
  readonly mode?: number;
  readonly built?: string;
}

function described({ checkedAt = 1, mode = 0o644, built }: Described = {}): Uint8Array {
  const file = { checkedAt, integrity, mode, size: 7 };
  const sideEffects = built === undefined ? undefined : { 'linux;x64;node26': { added: { [built]: file } } };
  return Buffer.from(JSON.stringify({ name: 'left', files: { 'index.js': file }, sideEffects }));
}

const arbitraryDescribed = fc
  .record({ checkedAt: fc.nat({ max: 3 }), built: fc.constantFrom(undefined, 'a.node', 'build/b.node') })
  .map(({ checkedAt, built }) => described({ checkedAt, ...(built === undefined ? {} : { built }) }));

mergeDriverConformance("pnpm's lists of files", pnpmPackageDriver, arbitraryVersionOf(arbitraryDescribed));

test('a later check of the same files is no change', () => {
  expect(pnpmPackageDriver.same(versionOf(described()), versionOf(described({ checkedAt: 9 })))).toBe(true);
  expect(pnpmPackageDriver.same(versionOf(described()), versionOf(described({ built: 'a.node' })))).toBe(false);
});

test('the list with build results wins', () => {
  const [plain, built] = [versionOf(described({ checkedAt: 9 })), versionOf(described({ built: 'a.node' }))];
  expect(pnpmPackageDriver.compose([plain, built])).toEqual({ kind: 'pick', index: 1, opinion: true });
  expect(pnpmPackageDriver.compose([built, plain])).toEqual({ kind: 'pick', index: 0, opinion: true });
});

test.each([
  ['v10/index/0f/12ab-left@1.0.0.json', 'v10/files/aa/11', 0o644],
  ['index/0f/12ab-left@1.0.0.json', 'files/aa/11', 0o644],
  ['v10/index/0f/12ab-left@1.0.0.json', 'v10/files/aa/11-exec', 0o755],
  ['v10/example.test+a+b/integrity.json', 'v10/files/aa/11', 0o644],
])('%s is removed with its content %s', (path, content, mode) => {
  const version = versionOf(described({ mode }));
  expect(pnpmPackageDriver.close?.(version, path as BytePath, (at) => at === content)).toBe(null);
  expect(pnpmPackageDriver.close?.(version, path as BytePath, () => false)).toEqual(new Uint8Array());
});

test('a list is removed if any of its files is missing, and kept otherwise', () => {
  const digests = ['aa11', 'bb22', 'cc33'];
  const lists = fc.uniqueArray(fc.constantFrom(...digests), { minLength: 1 });
  const property = fc.property(lists, fc.subarray(digests), fc.boolean(), (listed, there, built) => {
    const [first, ...others] = listed.map((hex) => {
      const base64 = Buffer.from(hex, 'hex').toString('base64');
      return [hex, { checkedAt: 1, integrity: `sha512-${base64}`, mode: 0o644, size: 7 }] as const;
    });
    // Build results count like published files.
    const rest = Object.fromEntries(built ? others : []);
    const files = Object.fromEntries([first, ...(built ? [] : others)].filter((entry) => entry !== undefined));
    const list = { name: 'left', files, sideEffects: { 'linux;x64;node26': { added: rest } } };
    const held = new Set(there.map((hex) => `v10/files/${hex.slice(0, 2)}/${hex.slice(2)}`));
    const version = versionOf(Buffer.from(JSON.stringify(list)));
    const closed = pnpmPackageDriver.close?.(version, 'v10/index/0f/a.json' as BytePath, (path) => held.has(path));
    expect(closed).toEqual(listed.every((hex) => there.includes(hex)) ? null : new Uint8Array());
  });
  fc.assert(property, { numRuns: 300 });
});

test.each(['', '{', '[]', '{"files":{"a":{"integrity":"md5-","mode":420}}}'])('%j names nothing', (text) => {
  expect(pnpmPackageDriver.close?.(versionOf(Buffer.from(text)), 'v10/index/0f/a.json' as BytePath, () => false)).toBe(
    null,
  );
});
