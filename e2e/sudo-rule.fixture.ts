import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';

const nobody = 65_534;

/** Lets the ordinary user of a file's worlds use sudo without a password. Does nothing unless the tests run as root. */
export function allowSudo(): void {
  const rule = `/etc/sudoers.d/cachelane-test-${process.pid}`;
  const isRoot = process.getuid?.() === 0;
  beforeAll(() => {
    if (isRoot && existsSync('/etc/sudoers.d'))
      writeFileSync(rule, `#${nobody} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
  });
  afterAll(() => {
    if (isRoot) spawnSync('rm', ['-f', rule]);
  });
}
