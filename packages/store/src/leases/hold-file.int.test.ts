import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdFile } from './hold-file.ts';

test('one process holds a file until it releases it or is killed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-hold-'));
  const file = join(dir, 'lock');
  try {
    const held = holdFile(file);
    expect(held).not.toBeNull();
    expect(holdFile(file)).toBeNull();
    held?.[Symbol.dispose]();

    const module = JSON.stringify(join(import.meta.dirname, 'hold-file.ts'));
    const script = `const { holdFile } = await import(${module}); globalThis.held = holdFile(process.argv[1]); process.stdout.write(String(held !== null)); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(String(await once(child.stdout, 'data'))).toBe('true');
    expect(holdFile(file)).toBeNull();
    child.kill('SIGKILL');
    await once(child, 'exit');
    holdFile(file)?.[Symbol.dispose]();
    const again = holdFile(file);
    expect(again).not.toBeNull();
    again?.[Symbol.dispose]();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a path where no file can exist is an error', () => {
  expect(() => holdFile('/no/such/directory/lock')).toThrow(expect.objectContaining({ code: 'E_HOME_UNUSABLE' }));
});
