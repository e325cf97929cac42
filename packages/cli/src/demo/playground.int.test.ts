import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openPlayground } from './playground.ts';

const host = { program: ['sh'], env: process.env };

test('a process that ignores signals is killed with its children', async () => {
  const abort = new AbortController();
  using playground = openPlayground(host, { projects: ['web'], abort: abort.signal });
  const file = join(playground.dir, 'web/started');
  // It ends by itself, later, so that a failure leaves nothing behind.
  const deaf = 'for i in $(seq 20); do sleep 1; done';
  const called = playground.shell('web', `trap '' TERM; (${deaf}) & echo > started; ${deaf}`);
  while (!existsSync(file)) await setTimeout(20);
  abort.abort();
  // Both have let go of what they write to.
  expect(await called).toMatchObject({ exitCode: 128 });
});

test('a failed copy leaves no directory', () => {
  const before = process.env['TMPDIR'];
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-playground-')));
  process.env['TMPDIR'] = dir;
  try {
    const options = { projects: join(dir, 'none'), abort: new AbortController().signal };
    expect(() => openPlayground(host, options)).toThrow('ENOENT');
    expect(readdirSync(dir)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(dir, { recursive: true });
  }
});
