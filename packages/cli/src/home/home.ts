import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';

export interface HomeRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Says in place of `env` where the person's own file lies: an engine's, whatever home its programs claim to have. */
  readonly configEnv?: Readonly<Record<string, string | undefined>>;
  readonly effectiveUid: number;
  /** The home directory that the system has on file for this user; undefined where the user is unknown to it. */
  readonly accountHome?: () => string | undefined;
}

export interface HomeLocation {
  readonly path: string;
  /** For people: `CACHELANE_HOME`, `XDG_CACHE_HOME`, `the home directory`. */
  readonly source: string;
  /** The person named this very directory, so what lies above it is their choice. */
  readonly explicit: boolean;
}

const databaseName = 'state.db';
const ownHint = 'set CACHELANE_HOME to a directory of your own';

/** CACHELANE_HOME, else XDG_CACHE_HOME/cachelane, else ~/.cache/cachelane. Throws E_HOME_UNUSABLE where there is none. */
export function locateHome(request: HomeRequest): HomeLocation {
  const own = request.env['CACHELANE_HOME'];
  if (own !== undefined && own !== '') {
    if (isAbsolute(own)) return { path: own, source: 'CACHELANE_HOME', explicit: true };
    throw new CachelaneError('E_HOME_UNUSABLE', `CACHELANE_HOME is not an absolute path: ${JSON.stringify(own)}`, {
      hint: 'a relative home would be another one in each directory: give it in full',
    });
  }
  const xdg = request.env['XDG_CACHE_HOME'];
  // The XDG specification wants relative paths ignored.
  if (xdg !== undefined && isAbsolute(xdg)) {
    return { path: join(xdg, 'cachelane'), source: 'XDG_CACHE_HOME', explicit: false };
  }
  const home = userHome(request);
  if (home !== undefined)
    return { path: join(home, '.cache/cachelane'), source: 'the home directory', explicit: false };
  throw new CachelaneError('E_HOME_UNUSABLE', 'there is no home directory to keep caches in: HOME is not set', {
    hint: 'set CACHELANE_HOME, or HOME',
  });
}

/** HOME, else what the system has on file (cron, `env -i`); undefined where neither is an absolute path. */
export function userHome({ env, accountHome = systemAccountHome }: HomeRequest): string | undefined {
  const home = env['HOME'] !== undefined && env['HOME'] !== '' ? env['HOME'] : accountHome();
  return home !== undefined && isAbsolute(home) ? home : undefined;
}

function systemAccountHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    // A container that runs as a number without a name.
    return undefined;
  }
}

/**
 * Makes the home where it is missing (mode 0700), and checks that it is ours and nobody else's to look into. Returns its real path: mount points and
 * overlays must not depend on a symlink that somebody turns. Errors: E_HOME_OWNER, E_HOME_UNUSABLE, E_DISK_FULL.
 */
export function openHome(location: HomeLocation, request: HomeRequest): string {
  const { path } = location;
  try {
    if (statOf(path) === undefined) {
      refuseForeignParent(location, request);
      makeDirs(path);
    }
    const stats = statSync(path);
    if (!stats.isDirectory()) throw unusable(path, 'is not a directory');
    if (stats.uid !== request.effectiveUid) throw foreign(path, stats.uid, request);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    if ((stats.mode & 0o077) !== 0) closeToOthers(path, stats.mode);
    return realpathSync(path);
  } catch (error) {
    throw fromSystem(path, error);
  }
}

/** Something of a store is there, maybe before its metadata: a process that was killed may have come no further. */
const storeNames: readonly string[] = [
  databaseName,
  'adding',
  'collected',
  'derived',
  'engine',
  'gc.log',
  'images',
  'incoming',
  'kept',
  'layers',
  'outgoing',
  'push.log',
  'reserve',
  'seeds',
  'sessions',
  'staging',
  'trash',
];

/** For who only looks: a directory that holds something else does not become a store by that. `path` is a home's. Errors: E_HOME_UNUSABLE. */
export function requireNothingElse(path: string): void {
  // What file systems have in their root belongs to nobody.
  const names = readdirSync(path).filter((name) => !['lost+found', '.snapshot'].includes(name));
  if (names.length === 0 || names.some((name) => storeNames.includes(name))) return;
  throw new CachelaneError('E_HOME_UNUSABLE', `${path} is no store: there are other things in it`, {
    hint: 'set CACHELANE_HOME to a directory that is empty or not there yet; a run makes a store there all the same',
  });
}

/** No other user can work in a home, so none has to look into it; a directory that holds something else is left as it is, which `doctor` tells. */
function closeToOthers(path: string, mode: number): void {
  if (!readdirSync(path).every((name) => storeNames.includes(name) || name.startsWith(databaseName))) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch {
    // A file system without modes.
  }
}

/** Node's own `recursive` tries for ever where a parent is there and takes no directories, as /proc. */
function makeDirs(path: string): void {
  if (statOf(dirname(path)) === undefined) makeDirs(dirname(path));
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** As root with a user's HOME (`sudo` keeps it here and there) we would leave directories that the user cannot write to. */
function refuseForeignParent(location: HomeLocation, request: HomeRequest): void {
  let parent = dirname(location.path);
  let stats = statOf(parent);
  while (stats === undefined && parent !== dirname(parent)) {
    parent = dirname(parent);
    stats = statOf(parent);
  }
  if (stats === undefined || request.effectiveUid !== 0 || stats.uid === 0) return;
  const bySudo = request.env['SUDO_UID'] === String(stats.uid);
  if (bySudo || !location.explicit) throw foreign(parent, stats.uid, request);
}

function foreign(path: string, owner: number, { effectiveUid }: HomeRequest): CachelaneError {
  const hint = effectiveUid === 0 ? `run it without sudo, or set CACHELANE_HOME to a directory of root's own` : ownHint;
  return new CachelaneError(
    'E_HOME_OWNER',
    `${path} belongs to user ${owner}, and this command runs as user ${effectiveUid}`,
    { hint },
  );
}

function unusable(path: string, why: string): CachelaneError {
  return new CachelaneError('E_HOME_UNUSABLE', `${path} ${why}`, { hint: ownHint });
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function fromSystem(path: string, error: unknown): unknown {
  if (error instanceof CachelaneError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CachelaneError('E_DISK_FULL', `there is no space left to make ${path}`, {
      hint: 'free some space',
      cause: error,
    });
  }
  const why: Readonly<Record<string, string>> = {
    EACCES: 'is not ours to read and write',
    EPERM: 'is not ours to read and write',
    EROFS: 'lies on a read-only file system',
    ENOTDIR: 'lies below something that is not a directory',
    EEXIST: 'is a symlink that leads nowhere, or not a directory',
    ELOOP: 'is a symlink to itself',
    ENOENT: 'cannot be made',
  };
  return new CachelaneError('E_HOME_UNUSABLE', `${path} ${why[code] ?? `cannot be used (${code})`}`, {
    hint: ownHint,
    cause: error,
  });
}

/** Tells one start of the machine from the next; layers that may not have reached the disk carry it. */
export function readBootId(procDir: string = '/proc'): string {
  const text = (path: string): string => {
    try {
      return readFileSync(join(procDir, path), 'utf8');
    } catch {
      return '';
    }
  };
  const id = text('sys/kernel/random/boot_id').trim();
  if (id !== '') return id;
  // Some sandboxes hide the id and still show when the machine started.
  const bootTime = /^btime (\d+)$/m.exec(text('stat'))?.[1];
  return bootTime === undefined ? 'unknown' : `btime-${bootTime}`;
}
