import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';

/** A sudo rule for the time of a test file. Works also after the process became that user. */
export interface SudoRule {
  remove(): void;
}

const rules = '/etc/sudoers.d';
const nobody = 65_534;

/** As root, allows the tests' ordinary user everything without a password; otherwise keeps the machine's rules. */
export function allowSudo(defaults: string = ''): SudoRule {
  // Without sudo the suites are skipped.
  if (process.getuid?.() !== 0 || !existsSync(rules)) return { remove: () => undefined };
  const file = `${rules}/cachelane-test-${process.pid}`;
  const options = defaults === '' ? '' : `Defaults:#${nobody} ${defaults}\n`;
  writeFileSync(file, `${options}#${nobody} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
  return { remove: () => void spawnSync('sudo', ['-n', 'rm', '-f', file], { stdio: 'ignore' }) };
}
