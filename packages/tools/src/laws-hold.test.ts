import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MergeDriver } from '@cachelane/core';
import { expect, test } from 'vitest';

// Every driver must run the conformance suite, or it could lose changes unnoticed.

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

/** Returns the tests that run the suite with the driver. */
function heldBy(suite: string, name: string): readonly string[] {
  return tests.filter((text) => text.includes(`${suite}(`) && new RegExp(`\\b${name}\\b`).test(text));
}

test('the drivers are found', () => {
  expect(drivers.length).toBeGreaterThanOrEqual(14);
});

test.each(drivers)('$name runs the driver conformance suite', ({ name }) => {
  expect(heldBy('mergeDriverConformance', name)).not.toEqual([]);
});

// The suite needs lines with alternative contents. These have none, and their own tests cover close.
const ownTests = new Set(['pnpmPackageDriver', 'goActionEntryDriver']);
const named = drivers.filter(({ name, driver }) => driver.close !== undefined && !ownTests.has(name));

test.each(named)('$name, whose files name others, runs the conformance suite of names', ({ name }) => {
  expect(heldBy('namingDriverConformance', name)).not.toEqual([]);
});
