import { versionOf } from '@cachelane/testkit';
import {
  type BytePath,
  examplePath,
  syncChoices,
  unknownToolName,
  type ClassifyContext,
  type PathRule,
  type Tool,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { layerOf, viewOf, type CacheTree } from './cache-trees.fixture.ts';
import { tools } from './registry.ts';

// Checks that a tool's descriptions agree with its rules.

const nothingToSee: ClassifyContext = { peek: () => undefined };

function ruleOf(tool: Tool, pattern: string): PathRule {
  const { path, isDirectory } = examplePath(pattern);
  return tool.classify(path, isDirectory, nothingToSee);
}

const known = tools.filter(({ name }) => name !== unknownToolName);
const stored = known.flatMap((tool) => tool.stored.map(({ path }) => ({ name: tool.name, tool, path })));
const never = tools.flatMap((tool) => tool.neverStored.map((path) => ({ name: tool.name, tool, path })));

test('a number of hexadecimal digits becomes zeros', () => {
  expect(examplePath('a/<2 hex>/<4 hex>.zip')).toEqual({ path: 'a/00/0000.zip', isDirectory: false });
  expect(examplePath('_logs/')).toEqual({ path: '_logs', isDirectory: true });
});

test.each(stored)('$name has a rule for $path', ({ tool, path }) => {
  const rule = ruleOf(tool, path);
  // Class D is the rule for unknown files.
  expect(rule).toMatchObject({ kind: 'keep', mergeClass: expect.stringMatching(/^[^D]$/) });
});

test.each(never)('$name never stores $path and gives the reason', ({ tool, path }) => {
  expect(ruleOf(tool, path)).toMatchObject({ kind: 'never', reason: expect.stringMatching(/^\S.*[^.]$/) });
});

describe.each(tools)('$name', (tool) => {
  test('describes what it stores', () => {
    expect(tool.stored.length).toBeGreaterThan(0);
    for (const { what } of tool.stored) expect(what).toMatch(/^\S[^\n]*[^.\n]$/);
    expect(tool.versions).toMatch(/^\S[^\n]*[^.\n]$/);
    expect(syncChoices).toContain(tool.sync);
  });

  test('has a prune command or the reason why not', () => {
    const { prune } = tool;
    if (prune.kind === 'none') expect(prune.why).toMatch(/^\S[^\n]*[^.\n]$/);
    else {
      expect(prune.argv.length).toBeGreaterThan(1);
      expect(prune.removes).toMatch(/^\S[^\n]*[^.\n]$/);
    }
  });

  test('is saved after a failure only if each file is valid on its own', () => {
    // A group or an unknown directory may contain half a build.
    const classes = new Set(tool.stored.map(({ path }) => classOf(ruleOf(tool, path))));
    if (classes.has('D') || classes.has('W') || isOneGroup(tool)) expect(tool.commitWhen).toBe('success');
  });
});

/** Returns a tree with one file of each stored and each never-stored kind. `name` makes paths and contents unique. */
function treeOf(tool: Tool, name: string): CacheTree {
  const digit = name === 'left' ? '0' : 'f';
  return new Map(
    [...tool.stored.map(({ path }) => path), ...tool.neverStored].map((pattern) => {
      const hex = pattern.replace(/<(\d+) hex>/g, (_, count: string) => '00'.padEnd(Number(count), digit));
      const path = hex.replaceAll('left', name).replace(/\/$/, '/file') as BytePath;
      return [path, versionOf(Buffer.from(`${path} of ${name}`))] as const;
    }),
  );
}

describe.each(known)('$name, with example trees', (tool) => {
  test('a view of two runs has exactly the files that they stored', () => {
    const trees = ['left', 'right'].map((name) => treeOf(tool, name));
    const layers = trees.map((tree) => layerOf(tool, new Map(), tree));
    const never = new Set(['left', 'right'].flatMap((name) => [...treeOf({ ...tool, stored: [] }, name).keys()]));
    const wanted = new Set(trees.flatMap((tree) => [...tree.keys()]).filter((path) => !never.has(path)));
    for (const order of [layers, layers.toReversed()]) {
      const view = viewOf(tool, order);
      expect(new Set(view.keys())).toEqual(wanted);
      for (const [path, { digest }] of view) {
        // Merged lines and rows are checked elsewhere.
        if (!/[UG]/.test(classOf(ruleOf(tool, path)))) continue;
        expect(trees.map((tree) => tree.get(path)?.digest)).toContain(digest);
      }
    }
  });
});

function classOf(rule: PathRule): string {
  return rule.kind === 'keep' ? rule.mergeClass : 'never';
}

/** Returns whether all files have the same group. */
function isOneGroup(tool: Tool): boolean {
  const rules = ['one/file', 'other/file'].map((path) => ruleOf(tool, path));
  const groups = new Set(rules.map((rule) => (rule.kind === 'keep' ? rule.group : null)));
  return groups.size === 1 && !groups.has(null);
}
