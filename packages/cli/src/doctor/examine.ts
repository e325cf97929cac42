import { CachelaneError } from '@cachelane/core';
import { accessSync, constants, statSync, statfsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Check } from './check.ts';
import { examineRemote } from './examine-remote.ts';
import { nodeFiles } from '../base/file-reader.ts';
import { type ProjectQuestion, projectOf } from '../context/find-volume.ts';
import { formatBytes, plural } from '../base/format.ts';
import { locateHome, openHome, readBootId, requireNothingElse } from '../home/home.ts';
import type { Host } from '../host/host.ts';
import type { MountWay } from '../host/pieces.ts';
import { readPlatform } from '../platforms/platforms.ts';
import type { RemoteFlags } from '../remotes/remote-flags.ts';
import { chainText } from '../reporters/words.ts';
import { settledParentsHere } from '../context/settled-parents.ts';

type Finding = Omit<Check, 'name'>;

/** Returns all checks, each after those it depends on. Never throws. */
export async function examine(host: Host, question: ProjectQuestion, flags: RemoteFlags): Promise<readonly Check[]> {
  const home = attempt(() => {
    const location = locateHome(host);
    return { ...location, dir: openHome(location, host) };
  });
  const checks: Check[] = [
    { name: 'node', ...ok(host.nodeVersion) },
    {
      name: 'home',
      ...(home.ok ? ok(`${home.value.dir}, by ${home.value.source}`, home.value.dir) : failed(home.error)),
    },
  ];
  if (home.ok) {
    const { dir } = home.value;
    checks.push(
      { name: 'permissions', ...permissionsOf(dir) },
      { name: 'file system', ...fileSystemOf(dir) },
      { name: 'free space', ...freeSpaceOf(dir) },
      { name: 'state.db', ...(await databaseIn(host, dir)) },
      { name: 'boot id', ...bootId() },
    );
  }
  const mounts = await mountWayOf(host);
  // Mounts by sudo do not need bubblewrap.
  const commands = commandsOf(host).filter(({ name }) => name !== 'bwrap' || mounts.way !== 'sudo');
  checks.push(...commands, { name: 'mounts by', ...mounts.finding });
  if (home.ok) {
    const { dir } = home.value;
    checks.push({ name: 'mounts', ...(await mountsIn(host, dir)) }, { name: 'images', ...(await imagesIn(host, dir)) });
  }
  const context = await contextOf(host, question);
  checks.push({ name: 'CI', ...platformOf(host) }, { name: 'context', ...context.finding });
  return [...checks, ...(await examineRemote(host, flags, context))];
}

function ok(detail: string, brief?: string): Finding {
  return { status: 'ok', detail, mend: null, ...(brief === undefined ? {} : { brief }) };
}

function warn(detail: string, mend: string): Finding {
  return { status: 'warn', detail, mend };
}

function fail(detail: string, mend: string): Finding {
  return { status: 'fail', detail, mend };
}

function failed(error: unknown): Finding {
  if (error instanceof CachelaneError) return { status: 'fail', detail: error.message, mend: error.hint ?? null };
  return { status: 'fail', detail: error instanceof Error ? error.message : String(error), mend: null };
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}

function permissionsOf(dir: string): Finding {
  const { mode } = statSync(dir);
  const text = `0${(mode & 0o777).toString(8)}`;
  // Anyone who can write layers controls the contents of the caches.
  if ((mode & 0o022) !== 0) return warn(`${text}: others can write there`, `chmod 700 ${dir}`);
  if ((mode & 0o055) !== 0) return warn(`${text}: others can read it`, `chmod 700 ${dir}`);
  return ok(text);
}

/** Magic numbers of statfs(2). */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlay'],
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x65735546, 'fuse'],
  [0x01021997, '9p'],
]);

const networkFileSystems: ReadonlySet<string> = new Set(['nfs', 'cifs', 'smb2', '9p']);

function fileSystemOf(dir: string): Finding {
  const { type } = statfsSync(dir);
  const name = fileSystems.get(type) ?? `0x${type.toString(16)}`;
  if (networkFileSystems.has(name)) {
    return warn(
      `${name}: state.db is not safe there when several machines use it`,
      'set CACHELANE_HOME to a local disk',
    );
  }
  if (name === 'tmpfs')
    return warn('tmpfs: volumes are gone when the machine restarts', 'set CACHELANE_HOME to a disk');
  return ok(name);
}

const freeBytesLow = 1_000_000_000;

function freeSpaceOf(dir: string): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(dir);
  const free = bavail * bsize;
  // Some file systems count no inodes.
  if (files > 0 && ffree === 0)
    return fail('no inodes are left', 'remove files there, or set CACHELANE_HOME elsewhere');
  if (free === 0) return fail('none', 'free some: cachelane gc');
  if (free < freeBytesLow) return warn(formatBytes(free), 'free some: cachelane gc');
  return ok(formatBytes(free));
}

async function databaseIn(host: Host, homeDir: string): Promise<Finding> {
  const { clock, random, pieces } = host;
  const { signal } = new AbortController();
  const mine = attempt(() => {
    requireNothingElse(homeDir);
  });
  // A run would use it anyway.
  if (!mine.ok) return { ...failed(mine.error), status: 'warn' };
  try {
    await using metadata = await pieces.openMetadata({ homeDir, bootId: readBootId(), clock, random, signal });
    const [volumes, sessions] = [await metadata.listVolumes(signal), await metadata.listSessions(signal)];
    return ok(`${plural(volumes.length, 'volume')}, ${plural(sessions.length, 'open session')}`);
  } catch (error) {
    return failed(error);
  }
}

function bootId(): Finding {
  const id = readBootId();
  if (id !== 'unknown') return ok(id, 'known');
  return warn('unknown: layers damaged by a power loss are not noticed', 'make /proc readable for the command');
}

/** Commands that mounting needs, with their Debian packages. */
const neededCommands: readonly (readonly [string, string])[] = [
  ['bwrap', 'bubblewrap'],
  ['flock', 'util-linux'],
  ['env', 'coreutils'],
];

/** Searched after PATH, which is short in services and cron jobs. */
const usualDirs = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

function commandsOf({ env }: Host): readonly Check[] {
  const dirs = [...(env['PATH'] ?? '').split(delimiter), ...usualDirs].filter(isAbsolute);
  return neededCommands.map(([name, packageName]) => {
    const path = dirs.map((dir) => join(dir, name)).find((file) => attempt(() => accessSync(file, constants.X_OK)).ok);
    if (path !== undefined) return { name, ...ok(path) };
    return { name, ...warn('not installed: volumes cannot be mounted', `install the package ${packageName}`) };
  });
}

async function mountWayOf({ pieces }: Host): Promise<{ readonly way: MountWay; readonly finding: Finding }> {
  try {
    const { way, why } = await pieces.mountWay();
    return { way, finding: ok(`${way}: ${why}`, way) };
  } catch (error) {
    return { way: 'bubblewrap', finding: failed(error) };
  }
}

async function mountsIn(host: Host, homeDir: string): Promise<Finding> {
  try {
    const probe = await host.pieces.probeMounts(homeDir);
    if (probe.ok) return ok('a command ran with an overlay of its own: volumes are attached by overlay', 'overlay');
    return warn(`${probe.reason}: volumes are kept directories that are compared (clone), which is slower`, probe.mend);
  } catch (error) {
    return failed(error);
  }
}

/** Images are only faster, so their absence is no warning. */
async function imagesIn({ pieces }: Host, homeDir: string): Promise<Finding> {
  try {
    const probe = await pieces.probeImages(homeDir);
    if (probe.ok) return ok('a command ran with an image of a layer: runs can mount pulled layers', 'mounted');
    return ok(`runs need layers unpacked: ${probe.reason} (${probe.mend})`, 'unpacked');
  } catch (error) {
    return failed(error);
  }
}

function platformOf({ env }: Host): Finding {
  const platform = readPlatform({ env, readText: (path) => nodeFiles.readText(path) });
  if (platform === null) return ok('none');
  const run = platform.ref === null ? 'ref unknown' : `${platform.ref.kind} ${platform.ref.value}`;
  return ok(`${platform.platform}: ${run}`);
}

interface FoundContext {
  readonly finding: Finding;
  /** Whether a run here may save; true if unknown. */
  readonly canWrite: boolean;
}

async function contextOf(host: Host, question: ProjectQuestion): Promise<FoundContext> {
  try {
    const { context, warnings } = await settledParentsHere(host, await projectOf(host, question));
    const { namespace, lane, readChain, canWrite, why } = context;
    const detail = `${namespace}, lane ${lane}, reads ${chainText(readChain, namespace)}, ${canWrite ? 'may save' : 'saves nothing'} (${why})`;
    const [warning] = warnings;
    return {
      finding: warning === undefined ? ok(detail, `${namespace}, lane ${lane}`) : warn(detail, warning),
      canWrite,
    };
  } catch (error) {
    return { finding: failed(error), canWrite: true };
  }
}
