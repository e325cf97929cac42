import { spawnSync } from 'node:child_process';
import { CachelaneError, type BytePath } from '@cachelane/core';
import { decodePaxXattrs, encodePax, type PaxMember } from '../tar/pax.ts';

// Node can neither read nor write extended attributes, nor make a device. GNU tar does all of it, many paths in one
// process, and is there wherever bubblewrap is; getfattr reads faster (6 us a directory instead of 12), but belongs to a
// package that few machines have.

/** What an overlay's lower directory needs beyond plain files, by path below its root. */
export interface Markers {
  /** Character devices 0:0: whatever lower layers have at the path is gone. */
  readonly whiteouts: readonly BytePath[];
  /** Existing directories: whatever lower layers have below is gone. */
  readonly opaque: readonly BytePath[];
  /**
   * Existing directories that hold whiteouts. A listing leaves those out only where a directory is merged with others or
   * says that it was copied up; in all others they would be names that nothing is behind.
   */
  readonly holders: readonly BytePath[];
}

/** Attributes of mounts by ordinary users and by bubblewrap, then those of mounts by root. Either kind ignores the other's. */
export const markNamespaces = ['user.overlay.', 'trusted.overlay.'] as const;
export type MarkNamespace = (typeof markNamespaces)[number];

/** Names of the attributes that an overlay wrote on a file or directory: `user.overlay.opaque`. */
export type OverlayMarks = ReadonlySet<string>;

export function isOpaque(marks: OverlayMarks, namespaces: readonly MarkNamespace[] = markNamespaces): boolean {
  return namespaces.some((namespace) => marks.has(`${namespace}opaque`));
}

/** Content or name lie elsewhere: such a file is not complete by itself. */
export function refersElsewhere(marks: OverlayMarks): boolean {
  return markNamespaces.some((namespace) => marks.has(`${namespace}redirect`) || marks.has(`${namespace}metacopy`));
}

const pathsPerProcess = 4096;

/**
 * Reads the overlay's marks of directories and files below `root`, in the order of `paths`. Files must be readable, and
 * their content costs time unless they are all holes. Throws E_MOUNT where there is no tar that can.
 */
export function readMarks(root: string, paths: readonly BytePath[]): readonly OverlayMarks[] {
  const marks: OverlayMarks[] = [];
  for (let from = 0; from < paths.length; from += pathsPerProcess) {
    const part = paths.slice(from, from + pathsPerProcess);
    const archive = tar(
      [
        '--create',
        '--file=-',
        '--format=pax',
        '--pax-option=delete=atime,delete=ctime,delete=mtime',
        '--sparse',
        '--no-recursion',
        '--null',
        '--files-from=-',
      ],
      { root, input: Buffer.from(part.map((path) => `./${path}\0`).join(''), 'latin1') },
    );
    const xattrs = decodePaxXattrs(archive);
    if (xattrs.length !== part.length) throw noTar(`it listed ${xattrs.length} of ${part.length} paths`);
    for (const each of xattrs) marks.push(new Set(each.keys()));
  }
  return marks;
}

/**
 * Makes whiteouts at paths where nothing is, and marks directories, which must be writable for their owner, for both kinds
 * of mount as far as this user may: an ordinary user cannot make the marks of root's mounts. Directories get mode 0700 and
 * another time.
 */
export function writeMarkers(root: string, { whiteouts, opaque, holders }: Markers): void {
  const isRoot = process.geteuid?.() === 0;
  const namespaces = isRoot ? markNamespaces : markNamespaces.slice(0, 1);
  const marked = new Map<BytePath, Map<string, string>>();
  const note = (path: BytePath, mark: string, value: string): void => {
    const xattrs = marked.get(path) ?? new Map<string, string>();
    for (const namespace of namespaces) xattrs.set(`${namespace}${mark}`, value);
    marked.set(path, xattrs);
  };
  for (const path of opaque) note(path, 'opaque', 'y');
  // Empty is the kernel's own way to say that it was copied up from it does not know where.
  for (const path of holders) note(path, 'origin', '');
  const members: readonly PaxMember[] = [
    ...Array.from(marked, ([path, xattrs]) => ({ name: `./${path}`, kind: 'directory', xattrs }) as const),
    ...whiteouts.map((path) => ({ name: `./${path}`, kind: 'whiteout', xattrs: new Map<string, string>() }) as const),
  ];
  for (let from = 0; from < members.length; from += pathsPerProcess) {
    const input = encodePax(members.slice(from, from + pathsPerProcess));
    tar(['--extract', '--file=-', '--no-same-owner', '--preserve-permissions'], { root, input });
  }
}

interface TarRun {
  readonly root: string;
  readonly input: Buffer;
}

function tar(args: readonly string[], { root, input }: TarRun): Buffer {
  const xattrs = ['--xattrs', ...markNamespaces.map((namespace) => `--xattrs-include=${namespace}*`)];
  // In English, whatever the user's language: a full disk must be recognised.
  const run = spawnSync('env', ['-u', 'TAR_OPTIONS', 'LC_ALL=C', 'tar', `--directory=${root}`, ...xattrs, ...args], {
    input,
    maxBuffer: pathsPerProcess * 65_536,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (run.error !== undefined) throw noTar(run.error.message, run.error);
  const complaint = run.stderr.toString().trim();
  if (complaint.includes('No space left on device')) throw Object.assign(new Error(complaint), { code: 'ENOSPC' });
  // Attributes that it cannot set are a warning to tar, with exit code 0.
  if (run.status !== 0 || complaint !== '') throw noTar(complaint);
  return run.stdout;
}

function noTar(detail: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_MOUNT', `tar cannot handle the overlay's markers here: ${detail.slice(0, 500)}`, {
    hint: 'install GNU tar, and keep the home on a file system with extended attributes',
    cause,
  });
}
