import { spawnSync } from 'node:child_process';
import { findSudoTools, systemPath } from './sudo-tools.ts';

/** What brings the programs that a run with mounts through sudo is made of. */
export const installSudoMend = 'Debian and Ubuntu: apt-get install sudo util-linux coreutils perl';

/** sudo may ask a directory on the network who we are. */
const patienceMs = 5000;

/** Why commands cannot be started through sudo here; null when they can. Takes as long as sudo does, some milliseconds. */
export function sudoProblem(): string | null {
  const isRoot = process.geteuid?.() === 0;
  const found = findSudoTools(isRoot);
  if ('missing' in found) return `not installed: ${found.missing.join(', ')}`;
  if (isRoot) return null;
  const { sudo, env, unshare } = found.tools;
  // The programs that a run begins with: rules may allow some and not others.
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

/** What sudo's complaint comes to. */
export function sudoRefusal(said: string): string {
  if (/password is required|terminal is required/.test(said)) return 'sudo needs a password here';
  if (/no new privileges/i.test(said)) return 'sudo gains no rights here: a sandbox took them (no_new_privs)';
  const line = said.split('\n').find((text) => text.startsWith('sudo: ')) ?? said.trim().split('\n')[0] ?? '';
  return line === '' ? 'sudo failed and did not say why' : line.slice(0, 300);
}
