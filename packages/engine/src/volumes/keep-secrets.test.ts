import { unknownToolName, type BytePath, type Tool } from '@cachelane/core';
import { expect, test } from 'vitest';
import { indexedTool } from '../testing/test-engine.fixture.ts';
import { keepingSecrets } from './keep-secrets.ts';

const anyDirectory: Tool = {
  ...indexedTool,
  name: unknownToolName,
  classify: (path, isDirectory, context) => {
    if (path === '.docker/config.json' || path === '.ssh' || path.startsWith('.ssh/'))
      return { kind: 'never', reason: 'holds credentials', isSecret: true };
    return path.endsWith('.lock')
      ? { kind: 'never', reason: 'a lock' }
      : indexedTool.classify(path, isDirectory, context);
  },
};

function isStored(target: string, path: string, homeDir = '/home/ann'): boolean {
  const tool = keepingSecrets(indexedTool, { target, homeDir, tools: [indexedTool, anyDirectory] });
  const rule = tool.classify(path as BytePath, false, { peek: () => undefined });
  return rule.kind !== 'never';
}

test.each([
  ['/home/ann/.docker', 'config.json', false],
  ['/home/ann/.docker/', 'config.json', false],
  ['/home/ann/.ssh/sub', 'deep/key', false],
  // Deeper, beside it, and of another tool.
  ['/home/ann/.docker', 'sub/config.json', true],
  ['/home/ann/.docker2', 'config.json', true],
  ['/home/anna/.docker', 'config.json', true],
  ['/srv/.docker', 'config.json', true],
  // Only the secret rules of other tools apply.
  ['/home/ann/.cache', 'a.lock', true],
  ['/home/ann/.cache', 'tmp/x', false],
])('in a volume at %s, %s is stored: %s', (target, path, expected) => {
  expect(isStored(target, path)).toBe(expected);
});

test('a home directory at the top is a home directory like others', () => {
  expect(isStored('/.docker', 'config.json', '/')).toBe(false);
});
