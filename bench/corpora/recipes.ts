import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../processes.ts';
import type { CorpusRecipe } from './corpus.ts';
import { cachePackages, treePackages } from './packages.ts';

export const corpusNames = ['npm', 'go', 'nm'] as const;
export type CorpusName = (typeof corpusNames)[number];

export function recipeOf(name: CorpusName): CorpusRecipe {
  switch (name) {
    case 'npm':
      return npmCache;
    case 'go':
      return goCache();
    case 'nm':
      return nodeModules;
  }
}

const npmCache: CorpusRecipe = {
  name: 'npm',
  ingredients: cachePackages,
  make(filesDir, scratchDir) {
    npmInstall(cachePackages, scratchDir);
    renameSync(join(scratchDir, 'cache/_cacache'), filesDir);
  },
};

const nodeModules: CorpusRecipe = {
  name: 'nm',
  ingredients: treePackages,
  make(filesDir, scratchDir) {
    npmInstall(treePackages, scratchDir);
    renameSync(join(scratchDir, 'project/node_modules'), filesDir);
  },
};

function goCache(): CorpusRecipe {
  return {
    name: 'go',
    ingredients: [textOf(['go', 'version']), 'go build std cmd'],
    make(filesDir) {
      const env = { ...ownEnvironment(), GOTOOLCHAIN: 'local', GOFLAGS: '', GOCACHE: filesDir };
      textOf(['nice', 'go', 'build', 'std', 'cmd'], { env });
    },
  };
}

/** Installs with the user's registry and proxy. `--force` also installs packages for other platforms. */
function npmInstall(packages: readonly string[], scratchDir: string): void {
  const projectDir = join(scratchDir, 'project');
  textOf(['mkdir', projectDir]);
  writeFileSync(join(projectDir, 'package.json'), '{ "name": "corpus", "private": true }\n');
  const flags = ['--ignore-scripts', '--force', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm installs one version of a name per call, so several versions take several calls.
  for (const batch of withoutTwins(packages)) {
    textOf(['nice', 'npm', 'install', ...flags, ...batch], {
      cwd: projectDir,
      env: { ...ownEnvironment(), npm_config_cache: join(scratchDir, 'cache') },
    });
  }
}

function withoutTwins(packages: readonly string[]): readonly (readonly string[])[] {
  const batches: Map<string, string>[] = [];
  for (const spec of packages) {
    const name = spec.slice(0, spec.lastIndexOf('@'));
    const batch = batches.find((candidate) => !candidate.has(name));
    if (batch === undefined) batches.push(new Map([[name, spec]]));
    else batch.set(name, spec);
  }
  return batches.map((batch) => [...batch.values()]);
}

/** Returns the environment without the variables that `npm run` sets for this repository. */
function ownEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^npm_(?!config_registry$)/.test(entry[0]),
  );
  return Object.fromEntries(kept);
}
