import type { Tool, ToolEnvironment, ToolLocation } from '@cachelane/core';
import { cargoSetting } from './cargo-settings.ts';
import { classifyUnknown } from '../common/directory.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never } from '../common/rules.ts';
import { tomlValue } from '../common/toml.ts';

/**
 * The `target` directory of a project. Fingerprints depend on times and paths of sources, so two runs cannot be mixed: it is one group, taken
 * whole from the last run. Used only on request; a compiler cache shares better.
 */
export const cargoTargetTool: Tool = {
  name: 'cargo-target',
  rulesVersion: 1,
  summary: 'the target directory of a cargo project, whole, from the last run',
  lockfiles: [],
  locate,
  redirect: (path) => ({ CARGO_TARGET_DIR: path }),
  linksOut: false,
  env: { CARGO_INCREMENTAL: '0' },
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    const [, profile] = /^(?:[^/]+\/)?[^/]+\/(incremental)(?:\/|$)/.exec(path) ?? [];
    if (profile !== undefined) return never('state of incremental compilation, made for one machine');
    if (!isDirectory && /(?:^|\/)\.cargo-(?:build-)?lock$/.test(path)) return never('a lock file');
    const rule = classifyUnknown(path, isDirectory, context);
    return rule.kind === 'never' ? rule : groupRule('target');
  },
  commitWhen: 'success',
  prune: { kind: 'none', why: 'cargo clean removes everything' },
  // As large as a build and bound to one place: another machine builds it as fast.
  sync: 'never',
  versions: 'fingerprints hold the version of the compiler; results of other versions are rebuilt',
  stored: [
    {
      path: 'debug/deps/libleft-<16 hex>.rlib',
      what: 'build results and their fingerprints',
      checked: 'never',
    },
  ],
  neverStored: ['debug/incremental/', 'debug/.cargo-lock'],
  tried: 'real tool',
};

function locate(environment: ToolEnvironment): ToolLocation | null {
  const { dirname, join, resolve } = pathsOf(environment);
  for (const name of ['CARGO_TARGET_DIR', 'CARGO_BUILD_TARGET_DIR']) {
    const value = environment.env(name);
    if (value) return { path: resolve(environment.workDir, value), source: `${name} in the environment` };
  }
  const setting = cargoSetting(environment, ['build', 'target-dir']);
  if (setting !== undefined) {
    // Relative to the directory that contains `.cargo`.
    const path = resolve(dirname(dirname(setting.path)), setting.value);
    const location = { path, source: `build.target-dir in ${setting.path}` };
    return setting.byProject ? { ...location, byProject: true } : location;
  }
  const root = workspaceRoot(environment);
  return root === undefined ? null : { path: join(root, 'target'), source: "cargo's default", byProject: true };
}

/** Returns the directory of the nearest manifest above with a `[workspace]`, else of the nearest manifest. */
function workspaceRoot(environment: ToolEnvironment): string | undefined {
  const { join } = pathsOf(environment);
  const manifests = directoriesUp(environment).flatMap((dir) => {
    const text = environment.readText(join(dir, 'Cargo.toml'));
    return text === undefined ? [] : [{ dir, text }];
  });
  return (manifests.find(({ text }) => tomlValue(text, ['workspace']) !== undefined) ?? manifests[0])?.dir;
}
