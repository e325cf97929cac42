import type { PathRule, Tool } from '@cachelane/core';
import { cargoHome } from './cargo-settings.ts';
import { classifyUnknown } from '../common/directory.ts';
import { cargoIndexDriver } from './cargo-index.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never, newestRule, unionRule } from '../common/rules.ts';

const entryRule = newestRule(cargoIndexDriver);
const unpacked = never('unpacked crates; cargo unpacks them again from their archives');

/** `registry` of cargo's home: archives of crates and registry indexes. Credentials and configuration lie beside it, outside the volume. */
export const cargoRegistryTool: Tool = {
  name: 'cargo-registry',
  rulesVersion: 1,
  summary: "cargo's downloads of crates (~/.cargo/registry)",
  lockfiles: ['Cargo.toml', 'Cargo.lock'],
  locate(environment) {
    const { dir, source } = cargoHome(environment);
    return { path: pathsOf(environment).join(dir, 'registry'), source };
  },
  // CARGO_HOME would also move configuration, credentials and installed programs.
  redirect: () => null,
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'none',
    why: 'stable cargo has no command, and its automatic clean-up uses a record outside this directory',
  },
  losesFiles: true,
  sync: 'always',
  versions: 'the index carries its format version, and cargo fetches unreadable entries again',
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

/** A sparse index has a file for each crate; a git index is one group. */
function indexRule(index: string, part: string, isDirectory: boolean, depth: number): PathRule | null {
  if (part === '.cache') return isDirectory ? unionRule : depth > 0 ? entryRule : null;
  if (part === '.git') return groupRule(index);
  if (depth > 0 || isDirectory) return null;
  if (part === 'config.json') return unionRule;
  return /^\.(?:last-updated|cargo-index-lock)$/.test(part) ? never('time of cargo’s last update, and its lock') : null;
}
