import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFault, writeFault } from './file-fault.ts';

const failure = (code: string): Error => Object.assign(new Error(`${code}: some detail`), { code });

test('a file that cannot be written has a reason and a next step', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-fault-'));
  try {
    expect(writeFault('/no/such/file', failure('ENOENT'))).toEqual({
      why: 'there is no directory /no/such',
      hint: 'create it, or name another file',
    });
    expect(writeFault(join(dir, 'x'), failure('ENOENT')).why).toBe(`${dir} accepts no new files`);
    expect(writeFault(dir, failure('EISDIR'))).toEqual({ why: 'it is a directory', hint: 'name a file' });
    expect(writeFault(dir, failure('EROFS')).why).toBe('no permission');
    expect(writeFault(dir, failure('EIO')).why).toBe('EIO: some detail');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a file that cannot be read has a reason', () => {
  expect(['ENOENT', 'EISDIR', 'EACCES', 'EIO'].map((code) => readFault(failure(code)))).toEqual([
    'there is no such file',
    'it is a directory',
    'no permission',
    'EIO: some detail',
  ]);
});
