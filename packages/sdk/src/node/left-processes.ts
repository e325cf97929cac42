import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { variables } from '@cachelane/protocol';
import { newKey } from '../volume/new-key.ts';
import type { Environment } from './home-socket.ts';

// What a command starts inherits its environment: a variable with a name that no other command has tells who belongs to it, also when it has ended. Where the system has no /proc nobody is found.

/** A process that outlived the command that it belongs to. */
export interface LeftProcess {
  readonly pid: number;
  /** The program's short name. */
  readonly name: string;
}

const prefix = 'CACHELANE_COMMAND_';

export function newMark(): string {
  return `${prefix}${newKey().toUpperCase()}`;
}

/** For what is started while a command runs, and is none of its own. */
export function withoutMarks(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(prefix)));
}

/** How often processes that were asked to end are looked at, and those that were killed and may be forking. */
const askedPollMs = 20;
const killedPollMs = 1;

/** A machine that starts processes faster than this many rounds of looking is not waited for. */
const roundsMax = 50;

/** Those that were sent KILL end at once, or hang in the kernel. */
const killedMs = 5000;

/** TERM (and CONT, which a stopped process needs to take it), after `graceMs` KILL until nothing starts anew. Returns whom it found. */
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

/** Calls `onFound` for each at once, since some live for an instant; returns how many there are. */
function eachLeft(mark: string, onFound: (found: LeftProcess) => void): number {
  const looked = new Set([process.pid]);
  let count = 0;
  // One may start another and end before we get to it: when a round brings nothing new, all were looked at.
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

/** What a run inside the command leaves to tidy up in the store is none of the command's. */
function belongs(pid: number, mark: string): boolean {
  const env = read(`/proc/${pid}/environ`).split('\0');
  return env.some((each) => each.startsWith(`${mark}=`)) && !env.some((each) => each.startsWith(background));
}

const background = `${variables.background}=`;

function send({ pid }: LeftProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
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
