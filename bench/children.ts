import { join } from 'node:path';
import type { ChildReport } from './children/report.ts';
import { textOf, type ProcessOptions } from './processes.ts';

/** What a child took; `ms` is the whole process with the start of Node. */
export type ChildSample = ChildReport & { readonly ms: number };

const root = join(import.meta.dirname, '..');
const nodePath = join(root, 'node_modules/node/bin/node');

/** Makes the bundles that children run from. */
export function bundleChildren(): void {
  textOf([nodePath, join(root, 'scripts/bundle.ts'), '--bench']);
}

/** With the Node of this repository, and the memory that the launcher gives it. */
export function childArgv(
  name: 'engine-entries' | 'engine-load' | 'pack' | 'pull' | 'shaped-server' | 'store-costs' | 'tier-names',
  ...args: readonly string[]
): readonly string[] {
  const isBundled = name === 'engine-entries' || name === 'engine-load' || name === 'pack' || name === 'pull';
  const file = isBundled ? `dist/bench/${name}.cjs` : `bench/children/${name}.ts`;
  return [nodePath, '--min-semi-space-size=16', join(root, file), ...args];
}

export function runChild(argv: readonly string[], options: ProcessOptions = {}): ChildSample {
  const started = process.hrtime.bigint();
  const text = textOf(argv, options);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  return { ...(JSON.parse(text) as ChildReport), ms };
}

/** A script of a shell, with the processor time of all that it started. */
export function shellSample(
  script: string,
  args: readonly string[],
  options: ProcessOptions = {},
): { readonly ms: number; readonly cpuMs: number } {
  const started = process.hrtime.bigint();
  const text = textOf(['sh', '-c', `${script}; times`, ...args], options);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  return { ms, cpuMs: childrenCpuMs(text) };
}

/** The last line of `times`: user and system time of children. */
function childrenCpuMs(text: string): number {
  const [line = ''] = text.split('\n').slice(-1);
  let ms = 0;
  for (const [, minutes, seconds] of line.matchAll(/(\d+)m([\d.]+)s/g))
    ms += Number(minutes) * 60_000 + Number(seconds) * 1000;
  return ms;
}
