import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findTools } from './tools.ts';

const root = mkdtempSync(join(tmpdir(), 'cachelane-tools-'));
afterAll(() => rmSync(root, { recursive: true }));

function folder(name: string, mode: number, ...programs: readonly string[]): string {
  const path = join(root, name);
  mkdirSync(path);
  for (const program of programs) {
    writeFileSync(join(path, program), '');
    chmodSync(join(path, program), mode);
  }
  return path;
}

test('takes the first program on the PATH, and GNU’s env before another', () => {
  const first = folder('first', 0o755, 'env', 'flock', 'nice');
  const second = folder('second', 0o755, 'gnuenv', 'bwrap', 'flock');
  expect(findTools(`${first}:${second}`)).toEqual({
    tools: {
      env: join(second, 'gnuenv'),
      nice: join(first, 'nice'),
      flock: join(first, 'flock'),
      bwrap: join(second, 'bwrap'),
    },
  });
});

test("skips files that are not executable, and programs in the project's directory", () => {
  const tools = folder('tools', 0o755, 'gnuenv', 'bwrap', 'flock', 'nice');
  const plain = folder('plain', 0o644, 'bwrap', 'flock');
  mkdirSync(join(plain, 'nice'));
  const expected = findTools(tools);
  expect(findTools(`.:bin:${plain}:${tools}`)).toEqual(expected);
  expect(JSON.stringify(expected)).toContain(join(tools, 'bwrap'));
});
