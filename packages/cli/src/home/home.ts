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
  /** Environment that locates the user's own file, if it differs from `env`: an engine uses its own. */
  readonly configEnv?: Readonly<Record<string, string | undefined>>;
  readonly effectiveUid: number;
  /** The account's home directory; undefined for an unknown user. */
  readonly accountHome?: () => string | undefined;
}

export interface HomeLocation {
  readonly path: string;
  /** For messages: `CACHELANE_HOME`, `XDG_CACHE_HOME`, `the home directory`. */
  readonly source: string;
  /** Whether the user named this directory. Its parents are then not checked. */
  readonly explicit: boolean;
}

const databaseName = 'state.db';
const ownHint = 'set CACHELANE_HOME to a directory of your own';

/** Returns CACHELANE_HOME, else XDG_CACHE_HOME/cachelane, else ~/.cache/cachelane. Throws E_HOME_UNUSABLE if all are unset. */
export function locateHome(request: HomeRequest): HomeLocation {
  const own = request.env['CACHELANE_HOME'];
  if (own !== undefined && own !== '') {
    if (isAbsolute(own)) return { path: own, source: 'CACHELANE_HOME', explicit: true };
    throw new CachelaneError('E_HOME_UNUSABLE', `CACHELANE_HOME is not an absolute path: ${JSON.stringify(own)}`, {
      hint: 'use an absolute path: a relative home would differ for each working directory',
    });
  }
  const xdg = request.env['XDG_CACHE_HOME'];
  // The XDG specification ignores relative paths.
  if (xdg !== undefined && isAbsolute(xdg)) {
    return { path: join(xdg, 'cachelane'), source: 'XDG_CACHE_HOME', explicit: false };
  }
  const home = userHome(request);
  if (home !== undefined)
    return { path: join(home, '.cache/cachelane'), source: 'the home directory', explicit: false };
  throw new CachelaneError('E_HOME_UNUSABLE', 'HOME is not set, so there is no directory for caches', {
    hint: 'set CACHELANE_HOME, or HOME',
  });
}

/** Returns HOME, else the account's home (cron, `env -i`); undefined unless absolute. */
export function userHome({ env, accountHome = systemAccountHome }: HomeRequest): string | undefined {
  const home = env['HOME'] !== undefined && env['HOME'] !== '' ? env['HOME'] : accountHome();
  return home !== undefined && isAbsolute(home) ? home : undefined;
}

function systemAccountHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    // A container that runs as a user id without a name.
    return undefined;
  }
}

/**
 * Creates the home if it is missing (mode 0700) and checks that only we can use it. Returns its real path, so that mounts do not depend on
 * a symlink. Errors: E_HOME_OWNER, E_HOME_UNUSABLE, E_DISK_FULL.
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

/** Files of a store. A killed process may have created only some of them. */
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

/** Checks that a directory is a store or empty, for commands that only read. Errors: E_HOME_UNUSABLE. */
export function requireNothingElse(path: string): void {
  // File systems create these in their root.
  const names = readdirSync(path).filter((name) => !['lost+found', '.snapshot'].includes(name));
  if (names.length === 0 || names.some((name) => storeNames.includes(name))) return;
  throw new CachelaneError('E_HOME_UNUSABLE', `${path} is no store: it contains other files`, {
    hint: 'set CACHELANE_HOME to an empty or new directory; a run creates a store there anyway',
  });
}

/** Removes other users' access. A directory with other contents stays as it is; `doctor` reports it. */
function closeToOthers(path: string, mode: number): void {
  if (!readdirSync(path).every((name) => storeNames.includes(name) || name.startsWith(databaseName))) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch {
    // A file system without modes.
  }
}

/** Node's `recursive` retries for ever if a parent refuses directories, as /proc does. */
function makeDirs(path: string): void {
  if (statOf(dirname(path)) === undefined) makeDirs(dirname(path));
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    // Another process created it first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Root with a user's HOME (some `sudo` setups) would create directories that the user cannot write to. */
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
  const hint = effectiveUid === 0 ? 'run it without sudo, or set CACHELANE_HOME to a directory of root' : ownHint;
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
    return new CachelaneError('E_DISK_FULL', `no space is left to create ${path}`, {
      hint: 'free some space',
      cause: error,
    });
  }
  const why: Readonly<Record<string, string>> = {
    EACCES: 'may not be read and written by this user',
    EPERM: 'may not be read and written by this user',
    EROFS: 'is on a read-only file system',
    ENOTDIR: 'is below a file',
    EEXIST: 'is a broken symlink or not a directory',
    ELOOP: 'is a symlink to itself',
    ENOENT: 'cannot be created',
  };
  return new CachelaneError('E_HOME_UNUSABLE', `${path} ${why[code] ?? `cannot be used (${code})`}`, {
    hint: ownHint,
    cause: error,
  });
}

/** Returns an id of this boot. Layers that may not have reached the disk carry it. */
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
  // Some sandboxes hide the boot id and still show the boot time.
  const bootTime = /^btime (\d+)$/m.exec(text('stat'))?.[1];
  return bootTime === undefined ? 'unknown' : `btime-${bootTime}`;
}
