import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

// Reads /proc about a process. Ended and unreadable processes give null.

function read(pid: number | string, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

export interface ProcessStat {
  /** The program's short name. */
  readonly name: string;
  /** `Z`: a zombie that waits for its parent. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The terminal's foreground process group; -1 without a terminal. */
  readonly foregroundGroup: number;
  readonly threads: number;
}

export function readStat(pid: number | 'self'): ProcessStat | null {
  const text = read(pid, 'stat');
  if (text === null) return null;
  // The name may contain spaces and parentheses.
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    state: fields[0] ?? '',
    parent: number(1),
    group: number(2),
    session: number(3),
    foregroundGroup: number(5),
    threads: number(17),
  };
}

/** Signal sets, bit n - 1 for signal n. */
export interface SignalSets {
  /** Pending for the whole process. */
  readonly pending: bigint;
  readonly blocked: bigint;
  readonly ignored: bigint;
}

export function readSignalSets(pid: number): SignalSets | null {
  const text = read(pid, 'status');
  return text === null ? null : parseSignalSets(text);
}

/** Parses a `/proc/PID/status`. */
export function parseSignalSets(status: string): SignalSets {
  const set = (field: string): bigint =>
    BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`);
  return { pending: set('ShdPnd'), blocked: set('SigBlk'), ignored: set('SigIgn') };
}

export interface MountView {
  /** Identifies the mount namespace. */
  readonly namespace: string;
  /** Whether the process is chrooted, so that it sees only some mounts. */
  readonly confined: boolean;
  /** Whether it sees a mount at exactly this path. */
  seesMountAt(path: string): boolean;
}

/** Returns a process's view of the file system; null if it ended or is unreadable. */
export function readMountView(pid: number): MountView | null {
  const own = link(`/proc/${pid}/ns/mnt`);
  if (own !== null) return mountView(String(pid), own);
  // If the first thread ended before others, /proc/PID is a zombie's.
  const stat = readStat(pid);
  if (stat === null || stat.state !== 'Z' || stat.threads < 2) return null;
  for (const thread of list(`/proc/${pid}/task`)) {
    const namespace = link(`/proc/${pid}/task/${thread}/ns/mnt`);
    if (namespace !== null) return mountView(`${pid}/task/${thread}`, namespace);
  }
  return null;
}

/** Returns a path as written in mount tables. */
export function mountWord(path: string): string {
  return path.replace(/[\t\n\\ ]/g, (odd) => `\\${odd.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function mountView(task: string, namespace: string): MountView {
  return {
    namespace,
    get confined() {
      return link(`/proc/${task}/root`) !== '/';
    },
    seesMountAt(path) {
      const point = mountWord(path);
      return (read(task, 'mountinfo') ?? '').split('\n').some((line) => line.split(' ', 5)[4] === point);
    },
  };
}

/** Returns the ids of all processes in /proc. */
export function processIds(): readonly number[] {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Returns the initial environment of a process, as `NAME=VALUE`; empty if unreadable. */
export function readEnvironment(pid: number): readonly string[] {
  return (read(pid, 'environ') ?? '').split('\0');
}

/** Returns the arguments of a process, name first; empty if unreadable. Never print them: they may hold secrets. */
export function readArguments(pid: number): readonly string[] {
  return (read(pid, 'cmdline') ?? '').split('\0');
}

/** Whether a process has this file open. */
export function hasOpen(pid: number, file: string): boolean {
  return list(`/proc/${pid}/fd`).some((fd) => link(`/proc/${pid}/fd/${fd}`)?.replace(/ \(deleted\)$/, '') === file);
}
