import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { OverlayMount } from '@cachelane/core';
import { type MachineFacts, mendFor } from './mends.ts';
import type { MountWay } from './process-runtime.ts';
import { runMounted } from './run-mounted.ts';
import { runWithSudo } from './run-sudo.ts';

export type OverlayProbe =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: string;
      /** What a person can do about it, one clause. */
      readonly mend: string;
    };

export interface ProbeOptions {
  /** Where sessions keep their directories: what works depends on the file system. Must exist. */
  readonly home: string;
  /** As in ProcessRuntimeOptions. */
  readonly path: string;
  /** As in ProcessRuntimeOptions. */
  readonly mountWith?: MountWay;
}

/** bubblewrap has reasons of its own, and may have none. */
const sudoMend = 'CACHELANE_SUDO=0 lets bubblewrap make the mounts';

/**
 * Finds out whether commands can run with mounts here, by really running one with the tools, kernel, user and file
 * system that a run will have. About as expensive as such a run; leaves nothing behind.
 */
export async function probeOverlay({ home, path, mountWith = 'bubblewrap' }: ProbeOptions): Promise<OverlayProbe> {
  let root: string;
  try {
    root = mkdtempSync(join(home, 'probe-'));
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return { ok: false, reason: `${home} cannot be written to (${code})`, mend: 'choose another CACHELANE_HOME' };
  }
  try {
    const reason = await tryOverlay(root, path, mountWith);
    if (reason === null) return { ok: true };
    const mend = mountWith === 'sudo' ? sudoMend : mendFor(reason, machineFacts(home));
    return { ok: false, reason, mend };
  } finally {
    clear(root);
  }
}

/** Null when it works. */
async function tryOverlay(root: string, path: string, mountWith: MountWay): Promise<string | null> {
  const dir = (name: string): string => {
    mkdirSync(join(root, name));
    return join(root, name);
  };
  const mount: OverlayMount = {
    kind: 'overlay',
    target: dir('target'),
    lowerDirs: [dir('lower')],
    upperDir: dir('upper'),
    workDir: dir('work'),
  };
  const request = {
    argv: ['mkdir', join(mount.target, 'made')],
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    mounts: [mount],
    leaseFile: join(root, 'lease'),
  };
  const options = { path, stdio: ['ignore', 'ignore', 'ignore'], ignored: [] } as const;
  const outcome = mountWith === 'sudo' ? await runWithSudo(request, options) : await runMounted(request, options);
  if (outcome.kind === 'not-started') return outcome.reason;
  if (existsSync(join(mount.upperDir, 'made'))) return null;
  return `a command in the mounts failed with exit code ${outcome.exitCode}`;
}

function clear(root: string): void {
  // The kernel leaves a folder there that its owner may not even read.
  const leftBehind = join(root, 'work', 'work');
  if (existsSync(leftBehind)) chmodSync(leftBehind, 0o700);
  rmSync(root, { recursive: true, force: true });
}

function machineFacts(home: string): MachineFacts {
  return {
    isRoot: process.getuid?.() === 0,
    isContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    fileSystemType: fileSystemType(home),
    appArmorRestrictsUserNamespaces: sysctl('kernel/apparmor_restrict_unprivileged_userns'),
    unprivilegedUserNamespaces: sysctl('kernel/unprivileged_userns_clone'),
    maxUserNamespaces: sysctl('user/max_user_namespaces'),
  };
}

function fileSystemType(path: string): number | null {
  try {
    return statfsSync(path).type;
  } catch {
    return null;
  }
}

function sysctl(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return null;
  }
}
