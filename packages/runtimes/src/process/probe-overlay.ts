import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { OverlayMount } from '@cachelane/core';
import { type MachineFacts, mendFor } from '../system/mends.ts';
import type { MountWay } from './process-runtime.ts';
import { runMounted } from './run-mounted.ts';
import { runWithSudo } from './run-sudo.ts';

export type OverlayProbe =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: string;
      /** How to fix it, one clause. */
      readonly mend: string;
    };

export interface ProbeOptions {
  /** Where sessions keep their directories; must exist. The result depends on its file system. */
  readonly home: string;
  /** As in ProcessRuntimeOptions. */
  readonly path: string;
  /** As in ProcessRuntimeOptions. */
  readonly mountWith?: MountWay;
}

/** bubblewrap's problem may be unknown. */
const sudoMend = 'CACHELANE_SUDO=0 lets bubblewrap make the mounts';

/**
 * Tests with a real run whether commands can run with mounts here: same tools, kernel, user and file system. As slow as a run; leaves
 * nothing behind.
 */
export async function probeOverlay(options: ProbeOptions): Promise<OverlayProbe> {
  return await probeMount(options, null);
}

/** The lower layer is an image with a file `seen`, or an empty directory. */
export async function probeMount(
  { home, path, mountWith = 'bubblewrap' }: ProbeOptions,
  image: Uint8Array | null,
): Promise<OverlayProbe> {
  let root: string;
  try {
    root = mkdtempSync(join(home, 'probe-'));
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return { ok: false, reason: `${home} cannot be written to (${code})`, mend: 'choose another CACHELANE_HOME' };
  }
  try {
    const failure = await tryOverlay(root, image, { path, mountWith });
    if (failure === null) return { ok: true };
    const { reason, mend = mountWith === 'sudo' ? sudoMend : mendFor(reason, machineFacts(home)) } = failure;
    return { ok: false, reason, mend };
  } finally {
    clear(root);
  }
}

/** Returns null if it works. */
async function tryOverlay(
  root: string,
  image: Uint8Array | null,
  { path, mountWith }: Required<Pick<ProbeOptions, 'path' | 'mountWith'>>,
): Promise<{ readonly reason: string; readonly mend?: string } | null> {
  const dir = (name: string): string => {
    mkdirSync(join(root, name));
    return join(root, name);
  };
  const lower = dir('lower');
  const file = join(root, 'image');
  if (image !== null) writeFileSync(file, image);
  const mount: OverlayMount = {
    kind: 'overlay',
    target: dir('target'),
    lowerDirs: [lower],
    images: image === null ? [] : [{ file, dir: lower }],
    upperDir: dir('upper'),
    workDir: dir('work'),
  };
  const made = join(mount.target, 'made');
  const request = {
    argv: image === null ? ['mkdir', made] : ['cp', join(mount.target, 'seen'), made],
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    mounts: [mount],
    leaseFile: join(root, 'lease'),
  };
  const options = { path, stdio: ['ignore', 'ignore', 'ignore'], ignored: [] } as const;
  const outcome = mountWith === 'sudo' ? await runWithSudo(request, options) : await runMounted(request, options);
  if (outcome.kind === 'not-started') return outcome;
  if (existsSync(join(mount.upperDir, 'made'))) return null;
  return { reason: `a command in the mounts failed with exit code ${outcome.exitCode}` };
}

function clear(root: string): void {
  // The kernel leaves a directory there that even its owner may not read.
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
