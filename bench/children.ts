import { join } from 'node:path';
import type { ChildReport } from './children/report.ts';
import { textOf, type ProcessOptions } from './processes.ts';

/** The measurements of a child. `ms` is the whole process including the start of Node. */
export type ChildSample = ChildReport & { readonly ms: number };

const root = join(import.meta.dirname, '..');
const nodePath = join(root, 'node_modules/node/bin/node');

/** Builds the bundles that children run from. */
export function bundleChildren(): void {
  textOf([nodePath, join(root, 'scripts/bundle.ts'), '--bench']);
}

/** Returns a command with this repository's Node and the launcher's memory limit. */
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

/** Runs a shell script and measures the processor time of its processes. */
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

/** Returns the children's user and system time from the last line of `times`. */
function childrenCpuMs(text: string): number {
  const [line = ''] = text.split('\n').slice(-1);
  let ms = 0;
  for (const [, minutes, seconds] of line.matchAll(/(\d+)m([\d.]+)s/g))
    ms += Number(minutes) * 60_000 + Number(seconds) * 1000;
  return ms;
}
