import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fetchTool, type FetchedTool } from '@cachelane/testkit';

const require = createRequire(import.meta.url);

/** An npm tool and its command, independent of the PATH. */
export interface NpmTool {
  readonly name: string;
  readonly version: string;
  readonly argv: readonly string[];
}

function installed(name: string, version: string, program: string): NpmTool {
  return { name, version, argv: [process.execPath, program] };
}

/** Returns no tool if it is not available on this machine. */
function fetched(name: string, tool: FetchedTool): readonly NpmTool[] {
  const path = fetchTool(tool);
  if (path === null) return [];
  return [{ name, version: tool.version, argv: /\.m?js$/.test(path) ? [process.execPath, path] : [path] }];
}

export const pnpm10 = installed('pnpm 10', '10.34.9', join(dirname(require.resolve('pnpm-10')), 'bin/pnpm.cjs'));
export const pnpm11 = installed('pnpm 11', '11.28.11', join(dirname(require.resolve('pnpm-11')), 'bin/pnpm.mjs'));
export const yarn4 = installed(
  'yarn 4',
  '4.18.1',
  join(dirname(require.resolve('@yarnpkg/cli-dist/package.json')), 'bin/yarn.js'),
);

export const pnpm12 = (): readonly NpmTool[] =>
  fetched('pnpm 12', { name: 'pnpm', version: '12.21.0', program: 'pnpm/bin/pnpm.mjs' });
const platform = `${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;

export const bun = (): readonly NpmTool[] =>
  fetched('bun', { name: 'bun', version: '1.4.5', program: `@oven/bun-${platform}/bin/bun` });

/** Returns nx and the modules directory that a workspace needs. */
export const nx = (): readonly (NpmTool & { readonly modules: string })[] =>
  fetched('nx', { name: 'nx', version: '24.0.6', program: 'nx/dist/bin/nx.js' }).map((tool) => ({
    ...tool,
    modules: join(tool.argv[1] ?? '', '../../../..'),
  }));

const turboPlatform = `${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`;

export const turbo = (): readonly NpmTool[] =>
  fetched('turbo', { name: 'turbo', version: '2.11.11', program: `@turbo/${turboPlatform}/bin/turbo` });
