import type { MemoryVolume } from '@cachelane/testkit';
import { install, put, testEngine, type TestEngine, type TestEngineOptions } from '../testing/test-engine.fixture.ts';

export const sizeBytes = 1000;
export const lenient = { strict: false } as const;

/** Adds a content of a given size, and a line that names it. */
export function add(volume: MemoryVolume | undefined, name: string): void {
  install(volume, name);
  put(volume, `content/${name}`, name.padEnd(sizeBytes, '.'));
}

export function use(volume: MemoryVolume | undefined, ...names: readonly string[]): void {
  for (const name of names) {
    if (volume?.exists(`content/${name}`) === true) volume.read(`content/${name}`);
    else add(volume, name);
  }
}

/** `contents`: how many contents, with their lines, fit into the budget. */
export function budgeted(contents: number, options: TestEngineOptions = {}): TestEngine {
  const budget = { value: contents * sizeBytes + 500, source: 'test' };
  const { wrap = (deps) => deps } = options;
  return testEngine({ ...options, wrap: (deps) => wrap({ ...deps, policy: { 'volume-budget': budget } }) });
}
