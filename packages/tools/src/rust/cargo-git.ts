import type { PathRule, Tool } from '@cachelane/core';
import { cargoHome } from './cargo-settings.ts';
import { classifyUnknown } from '../common/directory.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never, unionRule } from '../common/rules.ts';

const checkouts = never('checkouts; cargo creates them again from their repositories');

/** `git` of cargo's home: clones of dependencies from repositories. */
export const cargoGitTool: Tool = {
  name: 'cargo-git',
  rulesVersion: 1,
  summary: "cargo's clones of repositories (~/.cargo/git)",
  // Most projects have no such dependencies, and each volume costs a mount.
  lockfiles: [],
  locate(environment) {
    const { dir, source } = cargoHome(environment);
    return { path: pathsOf(environment).join(dir, 'git'), source };
  },
  redirect: () => null,
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: { kind: 'none', why: 'stable cargo has no command' },
  sync: 'always',
  versions: 'plain git repositories',
  stored: [{ path: 'db/left-<16 hex>/HEAD', what: 'clones of repositories', checked: 'when used' }],
  neverStored: ['checkouts/'],
  tried: 'fixture',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top, name] = path.split('/');
  if (top === 'checkouts') return checkouts;
  if (!isDirectory && path === 'CACHEDIR.TAG') return unionRule;
  if (top !== 'db') return null;
  return name === undefined ? (isDirectory ? unionRule : null) : groupRule(`db/${name}`);
}
