import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  farFutureNs,
  parentPath,
  rootPath,
  type BytePath,
  type PathRule,
  type Tool,
  type Version,
} from '@cachelane/core';
import { composedVersion, storedVersion, versionOf } from '@cachelane/testkit';

export type CacheTree = ReadonlyMap<BytePath, Version>;

/** Whole files and deltas of one run. */
export type CacheLayer = ReadonlyMap<BytePath, Version>;

type KeepRule = Extract<PathRule, { kind: 'keep' }>;

/** Reads a cache directory. */
export function readTree(dir: string, sealedAtMs: number): CacheTree {
  const tree = new Map<BytePath, Version>();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = statSync(path);
    tree.set(relative(dir, path) as BytePath, versionOf(readFileSync(path), { sealedAtMs, mode: mode & 0o777 }));
  }
  return tree;
}

function ruleFor(tool: Tool, path: BytePath, tree: CacheTree): KeepRule | null {
  const rule = tool.classify(path, false, { peek: (at, count) => tree.get(at)?.content().subarray(0, count) });
  return rule.kind === 'keep' ? rule : null;
}

/** Returns the layer of a run that saw `pinned` and left `mine`, like the engine, but without groups and removals. */
export function layerOf(tool: Tool, pinned: CacheTree, mine: CacheTree): CacheLayer {
  const layer = new Map<BytePath, Version>();
  for (const [path, version] of mine) {
    const rule = ruleFor(tool, path, mine);
    const before = pinned.get(path);
    if (rule === null || before?.digest === version.digest) continue;
    if (before === undefined) layer.set(path, version);
    else if (!rule.driver.same(before, version)) layer.set(path, storedVersion(rule.driver, before, version));
  }
  return layer;
}

/** Returns the view of layers, nearest first, without names whose content is missing. */
export function viewOf(tool: Tool, layers: readonly CacheLayer[]): CacheTree {
  const view = new Map<BytePath, Version>();
  for (const path of new Set(layers.flatMap((layer) => [...layer.keys()]))) {
    const versions = layers.map((layer) => layer.get(path)).filter((version) => version !== undefined);
    const rule = ruleFor(tool, path, new Map([[path, versions[0] as Version]]));
    if (rule !== null) view.set(path, composedVersion(versions, rule.driver.compose(versions)));
  }
  const directories = new Set([...view.keys()].flatMap(holdersOf));
  for (const [path, version] of view) {
    const has = (at: BytePath): boolean => view.has(at) || directories.has(at);
    const closed = ruleFor(tool, path, view)?.driver.close?.(version, path, has) ?? null;
    if (closed !== null) view.set(path, versionOf(closed, { sealedAtMs: version.sealedAtMs, mode: version.mode }));
  }
  return view;
}

/** Returns the parent directories of a path. */
function holdersOf(path: BytePath): readonly BytePath[] {
  const parent = parentPath(path);
  return parent === rootPath ? [] : [parent, ...holdersOf(parent)];
}

/** Writes a view to a directory. */
export function writeTree(tool: Tool, tree: CacheTree, dir: string): void {
  for (const [path, version] of tree) {
    const target = join(dir, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, version.content());
    chmodSync(target, version.mode);
    if (ruleFor(tool, path, tree)?.mtime === 'far-future') {
      const seconds = Number(farFutureNs / 1_000_000_000n);
      utimesSync(target, seconds, seconds);
    }
  }
}
