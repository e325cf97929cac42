import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Survivor } from '@cachelane/core';

/** Processes that use the kept directories of one lane, by directory number. */
export interface DirectoriesInUse {
  /** Processes that can write there whatever its name: they have it open, mapped, as working directory, or mounted. */
  inside(number: number): readonly Survivor[];
  /** Processes that know its path, from their environment or arguments. */
  told(number: number): readonly Survivor[];
}

/** Stops after this many rounds on a machine that keeps starting processes. */
const roundsMax = 20;

/**
 * Finds processes, other than our own, that use these directories. Only root sees other users' processes.
 * Processes of other PID namespaces are never seen, and none without /proc. Misses a process that learned a path
 * otherwise and has nothing open there.
 */
export function directoriesInUse(slotsDir: string): DirectoriesInUse {
  const [inside, told] = [new Map<number, Survivor[]>(), new Map<number, Survivor[]>()];
  const look = lookFor(slotsDir);
  const looked = new Set([process.pid]);
  // A process may start another one and end before it is checked. Repeat until a round finds nothing new.
  for (let round = 0; round < roundsMax; round++) {
    const fresh = processIds().filter((pid) => !looked.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh.toReversed()) {
      looked.add(pid);
      const found = look(pid);
      note(inside, found.inside, pid);
      note(told, found.told, pid);
    }
  }
  return { inside: (number) => inside.get(number) ?? [], told: (number) => told.get(number) ?? [] };
}

function note(all: Map<number, Survivor[]>, numbers: ReadonlySet<number>, pid: number): void {
  if (numbers.size === 0) return;
  const name = read(pid, 'comm').trim();
  for (const number of numbers) all.set(number, [...(all.get(number) ?? []), { pid, name }]);
}

interface Found {
  readonly inside: ReadonlySet<number>;
  readonly told: ReadonlySet<number>;
}

function lookFor(slotsDir: string): (pid: number) => Found {
  const real = realpathSync(slotsDir);
  const isAt = numbersAfter(`${real}/`);
  const isNamed = [...new Set([real, slotsDir])].map((dir) => numbersAfter(`${dir}/`));
  // mountinfo shows paths from the root of their file system.
  const isMounted = numbersAfter(`/${basename(real)}/`);
  const namespaces = new Set<string>();
  return (pid) => {
    const [inside, told] = [new Set<number>(), new Set<number>()];
    for (const path of openPaths(pid)) isAt(path, inside);
    isAt(read(pid, 'maps'), inside);
    const namespace = link(`/proc/${pid}/ns/mnt`);
    if (namespace !== '' && !namespaces.has(namespace)) {
      namespaces.add(namespace);
      for (const line of read(pid, 'mountinfo').split('\n')) isMounted(line.split(' ', 4)[3] ?? '', inside);
    }
    for (const text of [read(pid, 'environ'), read(pid, 'cmdline')]) for (const find of isNamed) find(text, told);
    return { inside, told };
  };
}

/** Adds the directory numbers that appear in a text. */
function numbersAfter(prefix: string): (text: string, numbers: Set<number>) => void {
  return (text, numbers) => {
    for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
      const number = /^\d+(?=\/tree\b)/.exec(text.slice(at + prefix.length, at + prefix.length + 32))?.[0];
      if (number !== undefined) numbers.add(Number(number));
    }
  };
}

function openPaths(pid: number): readonly string[] {
  const open = list(`/proc/${pid}/fd`).map((descriptor) => `/proc/${pid}/fd/${descriptor}`);
  return [`/proc/${pid}/cwd`, `/proc/${pid}/root`, ...open].map(link);
}

function processIds(): readonly number[] {
  return list('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

// Processes and descriptors vanish at any time, and other users' are not readable.

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
