import type { PathRule, Tool } from '@cachelane/core';
import { cargoHome } from './cargo-settings.ts';
import { classifyUnknown } from '../common/directory.ts';
import { cargoIndexDriver } from './cargo-index.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never, newestRule, unionRule } from '../common/rules.ts';

const entryRule = newestRule(cargoIndexDriver);
const unpacked = never('unpacked crates; cargo unpacks them again from their archives');

/** `registry` of cargo's home: archives of crates and indexes of registries. Credentials and configuration lie beside it. */
export const cargoRegistryTool: Tool = {
  name: 'cargo-registry',
  rulesVersion: 1,
  summary: "cargo's downloads of crates (~/.cargo/registry)",
  lockfiles: ['Cargo.toml', 'Cargo.lock'],
  locate(environment) {
    const { dir, source } = cargoHome(environment);
    return { path: pathsOf(environment).join(dir, 'registry'), source };
  },
  // CARGO_HOME would move configuration, credentials and installed programs as well.
  redirect: () => null,
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'none',
    why: 'stable cargo has no command for it, and its own cleaning goes by a record beside this directory',
  },
  losesFiles: true,
  sync: 'always',
  versions: 'the index carries the number of its format, and cargo fetches anew what it cannot read',
  stored: [
    { path: 'cache/index.crates.io-<16 hex>/left-1.0.0.crate', what: 'archives of crates', checked: 'when used' },
    { path: 'index/index.crates.io-<16 hex>/.cache/le/ft/left', what: 'index entries', checked: 'never' },
    { path: 'index/index.crates.io-<16 hex>/config.json', what: 'addresses of registries', checked: 'never' },
    { path: 'index/github.com-<16 hex>/.git/HEAD', what: 'indexes that are repositories', checked: 'when used' },
  ],
  neverStored: ['src/', 'index/index.crates.io-<16 hex>/.last-updated'],
  tried: 'real tool',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top, registry, part, ...more] = path.split('/');
  if (top === 'src') return unpacked;
  if (!isDirectory && path === 'CACHEDIR.TAG') return unionRule;
  if (registry === undefined) return isDirectory && (top === 'cache' || top === 'index') ? unionRule : null;
  if (part === undefined) return isDirectory && (top === 'cache' || top === 'index') ? unionRule : null;
  if (top === 'cache') return !isDirectory && more.length === 0 && part.endsWith('.crate') ? unionRule : null;
  return top === 'index' ? indexRule(`${top}/${registry}`, part, isDirectory, more.length) : null;
}

/** A sparse index is a file for each crate; an index that is a repository is one whole. */
function indexRule(index: string, part: string, isDirectory: boolean, depth: number): PathRule | null {
  if (part === '.cache') return isDirectory ? unionRule : depth > 0 ? entryRule : null;
  if (part === '.git') return groupRule(index);
  if (depth > 0 || isDirectory) return null;
  if (part === 'config.json') return unionRule;
  return /^\.(?:last-updated|cargo-index-lock)$/.test(part) ? never('when cargo last looked, and its lock') : null;
}
