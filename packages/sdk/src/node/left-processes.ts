import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { variables } from '@cachelane/protocol';
import { newKey } from '../volume/new-key.ts';
import type { Environment } from './home-socket.ts';

// A command's processes inherit its environment. A unique variable identifies them, even after the command has ended.
// Without /proc, none are found.

/** A process that outlived its command. */
export interface LeftProcess {
  readonly pid: number;
  /** The program's short name. */
  readonly name: string;
}

const prefix = 'CACHELANE_COMMAND_';

export function newMark(): string {
  return `${prefix}${newKey().toUpperCase()}`;
}

/** Returns the environment without marks, for processes that are not part of a command. */
export function withoutMarks(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(prefix)));
}

/** Interval for checking processes that were asked to end, or killed while they may fork. */
const askedPollMs = 20;
const killedPollMs = 1;

/** Maximum rounds of searching, for a machine that starts processes faster. */
const roundsMax = 50;

/** After KILL, a process ends at once or hangs in the kernel. */
const killedMs = 5000;

/**
 * Sends TERM (and CONT, for stopped processes), and after `graceMs` KILL until no new process appears. Returns the
 * processes found.
 */
export async function endLeft(mark: string, graceMs: number): Promise<readonly LeftProcess[]> {
  const asked = new Map<number, LeftProcess>();
  const ask = (found: LeftProcess): void => {
    if (asked.has(found.pid)) return;
    asked.set(found.pid, found);
    send(found, 'SIGTERM');
    send(found, 'SIGCONT');
  };
  let count = eachLeft(mark, ask);
  for (let waitedMs = 0; count > 0 && waitedMs < graceMs; waitedMs += askedPollMs) {
    await wait(askedPollMs);
    count = eachLeft(mark, ask);
  }
  for (let waitedMs = 0; count > 0 && waitedMs < killedMs; waitedMs += killedPollMs) {
    count = eachLeft(mark, (found) => {
      send(found, 'SIGKILL');
    });
    await wait(killedPollMs);
  }
  return [...asked.values()];
}

/** Calls `onFound` for each process at once, since some are short-lived. Returns their number. */
function eachLeft(mark: string, onFound: (found: LeftProcess) => void): number {
  const looked = new Set([process.pid]);
  let count = 0;
  // A process may start another one and end before it is seen. A round without new processes ends the search.
  for (let round = 0; round < roundsMax; round++) {
    const fresh = processIds().filter((pid) => !looked.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh.toReversed()) {
      looked.add(pid);
      if (!belongs(pid, mark)) continue;
      count += 1;
      onFound({ pid, name: read(`/proc/${pid}/comm`).trim() });
    }
  }
  return count;
}

/** Excludes background work that a nested `cachelane run` left for the store. */
function belongs(pid: number, mark: string): boolean {
  const env = read(`/proc/${pid}/environ`).split('\0');
  return env.some((each) => each.startsWith(`${mark}=`)) && !env.some((each) => each.startsWith(background));
}

const background = `${variables.background}=`;

function send({ pid }: LeftProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}

function processIds(): readonly number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
