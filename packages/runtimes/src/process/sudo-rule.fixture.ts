import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';

/** A rule for sudo that lasts as long as a test file. Also for a process that has become that user meanwhile. */
export interface SudoRule {
  remove(): void;
}

const rules = '/etc/sudoers.d';
const nobody = 65_534;

/** Lets the tests' ordinary user do everything without a password, where we are root; else whatever holds here does. */
export function allowSudo(defaults: string = ''): SudoRule {
  // Without sudo there is no such folder, and the suites are skipped.
  if (process.getuid?.() !== 0 || !existsSync(rules)) return { remove: () => undefined };
  const file = `${rules}/cachelane-test-${process.pid}`;
  const options = defaults === '' ? '' : `Defaults:#${nobody} ${defaults}\n`;
  writeFileSync(file, `${options}#${nobody} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
  return { remove: () => void spawnSync('sudo', ['-n', 'rm', '-f', file], { stdio: 'ignore' }) };
}
