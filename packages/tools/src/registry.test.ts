import { limits, unknownToolName } from '@cachelane/core';
import { expect, test } from 'vitest';
import { detectTools, findTool, tools } from './registry.ts';
import { environmentOf } from './tool-environment.fixture.ts';

test('each tool has a unique, valid volume name', () => {
  const names = tools.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z-]*$/);
});

test.each(tools)('$name fits the limits', (tool) => {
  expect(Object.keys(tool.compat(environmentOf())).length).toBeLessThanOrEqual(limits.compatFields);
  expect(tool.rulesVersion).toBeGreaterThanOrEqual(1);
  expect(tool.summary).toMatch(/^\S[^\n]*[^.\n]$/);
});

test('any other name is an unknown directory', () => {
  expect(findTool('npm').name).toBe('npm');
  expect(findTool('made-up').name).toBe(unknownToolName);
});

test.each([
  [['package.json', 'package-lock.json'], ['npm']],
  [
    ['go.sum', 'go.mod', 'npm-shrinkwrap.json'],
    ['npm', 'go-build', 'go-mod'],
  ],
  [['go.work'], ['go-build', 'go-mod']],
  [
    ['bun.lock', 'pnpm-lock.yaml'],
    ['pnpm', 'bun'],
  ],
  [['yarn.lock', 'README.md'], ['yarn']],
  [['README.md'], []],
])('%j: %j', (files, names) => {
  expect(detectTools(files).map(({ name }) => name)).toEqual(names);
});
