import {
  memoryIndex,
  mergesByPath,
  unverifiedIn,
  verifiedOf,
  type BytePath,
  type Entry,
  type LayerIndex,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { tools } from './registry.ts';

/** For each tool: whether tiers can merge it, and its parts that may be in a personal tier. */
const table: Readonly<Record<string, readonly [merges: boolean, verified: string]>> = {
  apt: [true, 'all'],
  bazel: [true, 'cas'],
  bun: [true, 'all'],
  'cargo-git': [true, 'all'],
  'cargo-registry': [true, 'cache'],
  'cargo-target': [false, 'none'],
  ccache: [true, 'none'],
  directory: [false, 'none'],
  'go-build': [true, 'none'],
  'go-mod': [true, 'none'],
  gradle: [true, 'none'],
  maven: [true, 'all'],
  npm: [true, '_cacache _tuf'],
  nx: [true, 'none'],
  pip: [true, 'none'],
  pnpm: [true, 'none'],
  sccache: [true, 'none'],
  turbo: [true, 'none'],
  uv: [true, 'archive-v0 git-v0 sdists-v9'],
  yarn: [true, 'all'],
};

const index = (...paths: readonly string[]): LayerIndex =>
  memoryIndex(paths.map((path) => ({ path: path as BytePath }) as Entry));

describe('tiers of a tool', () => {
  test.each(tools.map((tool) => ({ name: tool.name, tool })))('$name', ({ name, tool }) => {
    const verified = verifiedOf(tool);
    const words = verified === null ? 'none' : verified === 'all' ? 'all' : [...verified].toSorted().join(' ');
    expect([mergesByPath(tool), words]).toEqual(table[name]);
  });

  test('every tool is in the table', () => {
    expect(Object.keys(table).toSorted()).toEqual(tools.map(({ name }) => name).toSorted());
  });
});

test('a file that the tool does not verify keeps a layer out of a personal tier', () => {
  const npm = tools.find(({ name }) => name === 'npm');
  const verified = npm === undefined ? null : verifiedOf(npm);
  expect(unverifiedIn(index('_cacache', '_cacache/content-v2/sha512/00'), verified)).toBeNull();
  expect(unverifiedIn(index('_cacache', '_prebuilds/left.tar.gz'), verified)).toBe('_prebuilds/left.tar.gz');
  expect(unverifiedIn(index('anything'), 'all')).toBeNull();
  expect(unverifiedIn(index('anything'), null)).toBe('anything');
});
