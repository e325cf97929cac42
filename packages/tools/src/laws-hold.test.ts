import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MergeDriver } from '@cachelane/core';
import { expect, test } from 'vitest';

// A driver that nobody held against the laws could lose what runs did, and no test would tell.

const dir = import.meta.dirname;
const files = readdirSync(dir, { encoding: 'utf8', recursive: true });
// The index exports the same drivers again.
const sources = files.filter(
  (name) => name.endsWith('.ts') && name !== 'index.ts' && !/\.(?:test|fixture)\.ts$/.test(name),
);
const tests = files
  .filter((name) => name.endsWith('.test.ts') && name !== 'laws-hold.test.ts')
  .map((name) => readFileSync(join(dir, name), 'utf8'));

interface Exported {
  readonly name: string;
  readonly driver: MergeDriver;
}

function isDriver(value: unknown): value is MergeDriver {
  return typeof value === 'object' && value !== null && 'compose' in value && 'subtract' in value;
}

const drivers: Exported[] = [];
for (const source of sources) {
  const exported = (await import(join(dir, source))) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(exported)) if (isDriver(value)) drivers.push({ name, driver: value });
}

/** Tests that hold the driver against the suite. */
function heldBy(suite: string, name: string): readonly string[] {
  return tests.filter((text) => text.includes(`${suite}(`) && new RegExp(`\\b${name}\\b`).test(text));
}

test('the drivers are found', () => {
  expect(drivers.length).toBeGreaterThanOrEqual(14);
});

test.each(drivers)('$name is held against the laws of drivers', ({ name }) => {
  expect(heldBy('mergeDriverConformance', name)).not.toEqual([]);
});

// A list of pnpm's needs all of its files, where a name of a line needs any one of several; an entry of Go has one output, and no lines: their own tests close them.
const ownTests = new Set(['pnpmPackageDriver', 'goActionEntryDriver']);
const named = drivers.filter(({ name, driver }) => driver.close !== undefined && !ownTests.has(name));

test.each(named)('$name, whose files name others, is held against the laws of names', ({ name }) => {
  expect(heldBy('namingDriverConformance', name)).not.toEqual([]);
});
