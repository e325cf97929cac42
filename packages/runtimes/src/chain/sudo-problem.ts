import { spawnSync } from 'node:child_process';
import { findSudoTools, systemPath } from './sudo-tools.ts';

/** How to install the programs for mounts through sudo. */
export const installSudoMend = 'Debian and Ubuntu: apt-get install sudo util-linux coreutils perl';

/** sudo may look up the user on the network. */
const patienceMs = 5000;

/** Returns why sudo cannot run commands here, or null if it can. Takes some milliseconds. */
export function sudoProblem(): string | null {
  const isRoot = process.geteuid?.() === 0;
  const found = findSudoTools(isRoot);
  if ('missing' in found) return `not installed: ${found.missing.join(', ')}`;
  if (isRoot) return null;
  const { sudo, env, unshare } = found.tools;
  // sudo rules may allow only some programs, so test the first ones of a run.
  const asked = ['-n', '--', env, '-i', unshare, '--version'];
  const { status, stderr, error } = spawnSync(sudo, asked, {
    cwd: '/',
    env: { PATH: systemPath, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: patienceMs,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) return `sudo does not answer (${(error as NodeJS.ErrnoException).code ?? error.message})`;
  return status === 0 ? null : sudoRefusal(stderr.toString());
}

/** Returns the reason in sudo's error output. */
export function sudoRefusal(said: string): string {
  if (/password is required|terminal is required/.test(said)) return 'sudo needs a password here';
  if (/no new privileges/i.test(said)) return 'sudo has no effect here: a sandbox set no_new_privs';
  const line = said.split('\n').find((text) => text.startsWith('sudo: ')) ?? said.trim().split('\n')[0] ?? '';
  return line === '' ? 'sudo failed and did not say why' : line.slice(0, 300);
}
