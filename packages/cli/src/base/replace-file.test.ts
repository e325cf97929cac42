import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replaceFile } from './replace-file.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Runs a replacement of the file `a` with failing file system calls, and returns the error and the resulting files. */
function replaced(fails: { readonly write?: (path: string) => string | null; readonly rename?: string }): unknown {
  const dir = fs.mkdtempSync(join(tmpdir(), 'cachelane-replace-'));
  const { writeFileSync, renameSync } = fs;
  fs.writeFileSync(join(dir, 'a'), 'old');
  try {
    fs.writeFileSync = (path, data, options) => {
      const code = fails.write?.(String(path)) ?? null;
      writeFileSync(path, code === null ? data : 'n', options);
      if (code !== null) throw failure(code);
    };
    if (fails.rename !== undefined) {
      const { rename } = fails;
      fs.renameSync = () => {
        throw failure(rename);
      };
    }
    syncBuiltinESMExports();
    let thrown: string | null = null;
    try {
      replaceFile(join(dir, 'a'), 'new');
    } catch (error) {
      thrown = (error as Error).message;
    }
    return [thrown, fs.readdirSync(dir), fs.readFileSync(join(dir, 'a'), 'utf8')];
  } finally {
    Object.assign(fs, { writeFileSync, renameSync });
    syncBuiltinESMExports();
    fs.rmSync(dir, { recursive: true });
  }
}

test('writes a temporary file that is then removed', () => {
  expect(replaced({})).toEqual([null, ['a'], 'new']);
});

test('a full disk keeps the old file', () => {
  expect(replaced({ write: () => 'ENOSPC' })).toEqual(['ENOSPC', ['a'], 'old']);
  expect(replaced({ rename: 'EIO' })).toEqual(['EIO', ['a'], 'old']);
});

test('a mounted file is overwritten, and keeps its text on a full disk', () => {
  expect(replaced({ rename: 'EBUSY' })).toEqual([null, ['a'], 'new']);
  let writes = 0;
  const write = (path: string): string | null => (path.endsWith('/a') && (writes += 1) === 1 ? 'ENOSPC' : null);
  expect(replaced({ rename: 'EBUSY', write })).toEqual(['ENOSPC', ['a'], 'old']);
});
