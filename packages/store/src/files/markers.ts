import { spawnSync } from 'node:child_process';
import { CachelaneError, type BytePath } from '@cachelane/core';
import { decodePaxXattrs, encodePax, type PaxMember } from '../tar/pax.ts';

// Node cannot read or write extended attributes or make devices. GNU tar can, for many paths per process, and exists
// wherever bubblewrap does. getfattr reads faster (6 us per directory instead of 12), but few machines have it.

/** What an overlay's lower directory needs besides plain files, by path below its root. */
export interface Markers {
  /** Character devices 0:0, which hide the path in lower layers. */
  readonly whiteouts: readonly BytePath[];
  /** Existing directories that hide everything below them in lower layers. */
  readonly opaque: readonly BytePath[];
  /**
   * Existing directories that hold whiteouts. The kernel hides whiteouts in a listing only if the directory is
   * merged with others or is marked as copied up. Elsewhere they would show as names without files.
   */
  readonly holders: readonly BytePath[];
}

/**
 * Attribute prefixes for mounts by ordinary users and bubblewrap, then for mounts by root. Each kind of mount
 * ignores the other prefix.
 */
export const markNamespaces = ['user.overlay.', 'trusted.overlay.'] as const;
export type MarkNamespace = (typeof markNamespaces)[number];

/** Names of the attributes that an overlay wrote on a file or directory: `user.overlay.opaque`. */
export type OverlayMarks = ReadonlySet<string>;

export function isOpaque(marks: OverlayMarks, namespaces: readonly MarkNamespace[] = markNamespaces): boolean {
  return namespaces.some((namespace) => marks.has(`${namespace}opaque`));
}

/** Returns whether the file's content or name is elsewhere, so that the file is incomplete by itself. */
export function refersElsewhere(marks: OverlayMarks): boolean {
  return markNamespaces.some((namespace) => marks.has(`${namespace}redirect`) || marks.has(`${namespace}metacopy`));
}

const pathsPerProcess = 4096;

/**
 * Returns the overlay's marks of the paths below `root`, in the order of `paths`. Files must be readable, and
 * reading a file's content takes time unless it is sparse. Throws E_MOUNT if no suitable tar exists.
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
 * Creates whiteouts at unused paths and marks directories, which must be writable for their owner. Marks for both
 * kinds of mount, except that only root can make the marks of root's mounts. Directories get mode 0700 and a new
 * time.
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
  // An empty value is the kernel's own form for "copied up from an unknown origin".
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
  // LC_ALL=C: the message of a full disk must be in English.
  const run = spawnSync('env', ['-u', 'TAR_OPTIONS', 'LC_ALL=C', 'tar', `--directory=${root}`, ...xattrs, ...args], {
    input,
    maxBuffer: pathsPerProcess * 65_536,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (run.error !== undefined) throw noTar(run.error.message, run.error);
  const complaint = run.stderr.toString().trim();
  if (complaint.includes('No space left on device')) throw Object.assign(new Error(complaint), { code: 'ENOSPC' });
  // tar only warns about attributes it cannot set, and exits with 0.
  if (run.status !== 0 || complaint !== '') throw noTar(complaint);
  return run.stdout;
}

function noTar(detail: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_MOUNT', `tar cannot read or write overlay attributes here: ${detail.slice(0, 500)}`, {
    hint: 'install GNU tar, and keep the home on a file system with extended attributes',
    cause,
  });
}
