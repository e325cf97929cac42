import { setTimeout as wait } from 'node:timers/promises';
import { backgroundVariable, type RunPlace, type Survivor } from '@cachelane/core';
import { processIds, readArguments, readEnvironment, readMountView, readStat } from '../system/proc.ts';
import { holdsLease, leaseOf } from '../system/lease-place.ts';
import { sendSignal } from '../system/send-signal.ts';

/** How often processes that were asked to end are looked at, and those that were killed and may be forking. */
const askedPollMs = 20;
const killedPollMs = 1;

/** A machine that starts processes faster than this many rounds of looking is not waited for. */
const roundsMax = 50;

/** How long processes that were sent KILL are waited for: they end at once, or hang in the kernel. */
const killedMs = 5000;

/**
 * The place is named by a directory that a run mounts onto itself before its command starts. Whoever sees that mount
 * can write to the run's volumes, also from a mount namespace of its own (a nested sandbox). The number of the
 * namespace would not do: it misses those, and the kernel gives it to the next run as soon as it is free.
 */
export const placeOf = (marker: string): RunPlace => ({ token: marker });

/**
 * Processes in the place, ourselves left out. Only those that /proc shows: not those of another PID namespace, and as
 * an ordinary user not those of other users (which a run as that user cannot have started: bubblewrap leaves it no
 * way to become another one). A process that alone remains and was moved below a chroot is missed.
 */
export function findSurvivors(place: RunPlace, onFound: (pid: number) => void = () => undefined): readonly Survivor[] {
  const isIn = testOf(place);
  const looked = new Set<number>();
  const found: Survivor[] = [];
  // A process may start another and end before we get to it. When a round brings nothing new, everybody who was there
  // when it began has been looked at alive. The youngest first, and `onFound` at once, since some live for an instant.
  for (let round = 0; round < roundsMax; round += 1) {
    const fresh = processIds().filter((pid) => !looked.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh.toReversed()) {
      looked.add(pid);
      if (pid === process.pid || !isIn(pid) || tidiesUp(pid, place)) continue;
      const stat = readStat(pid);
      onFound(pid);
      if (stat !== null) found.push({ pid, name: stat.name });
    }
  }
  return found;
}

/**
 * A process of a run inside this one, which frees space in the store of both. It works in nothing that this run saves: a volume cannot
 * lie in the store, nor the store in a volume. One that works in another store may, and is a process like others.
 */
function tidiesUp(pid: number, { token }: RunPlace): boolean {
  const name = `${backgroundVariable}=`;
  // `env` has it among its arguments before it hands it on.
  const home = [...readEnvironment(pid), ...readArguments(pid).slice(1, 2)]
    .find((each) => each.startsWith(name))
    ?.slice(name.length);
  return home !== undefined && home.startsWith('/') && (leaseOf(token) ?? token).startsWith(`${home}/`);
}

function testOf({ token }: RunPlace): (pid: number) => boolean {
  const leaseFile = leaseOf(token);
  if (leaseFile !== null) return (pid) => holdsLease(pid, leaseFile);
  const outside = new Set<string>();
  return (pid) => isInPlace(pid, token, outside);
}

/**
 * `outside` holds mount namespaces that were seen without the marker. That a process is in the place is never taken from
 * memory: when the signal we send ends the last process of a namespace, the next one that anybody makes gets its number.
 */
function isInPlace(pid: number, marker: string, outside: Set<string>): boolean {
  const view = readMountView(pid);
  if (view === null || outside.has(view.namespace)) return false;
  const found = view.seesMountAt(marker);
  if (!found && !view.confined) outside.add(view.namespace);
  return found;
}

/** TERM (and CONT, which a stopped process needs to take it), after `graceMs` KILL until nothing starts anew. */
export async function endSurvivors(place: RunPlace, graceMs: number): Promise<readonly Survivor[]> {
  const asked = new Set<number>();
  const ask = (pid: number): void => {
    if (asked.has(pid)) return;
    asked.add(pid);
    sendSignal(pid, 'SIGTERM');
    sendSignal(pid, 'SIGCONT');
  };
  let left = findSurvivors(place, ask);
  for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs;) {
    const pauseMs = Math.min(askedPollMs, graceMs - waitedMs);
    await wait(pauseMs);
    waitedMs += pauseMs;
    left = findSurvivors(place, ask);
  }
  // Again and again: a process may fork between our look and the signal.
  for (let waitedMs = 0; left.length > 0 && waitedMs < killedMs; waitedMs += killedPollMs) {
    left = findSurvivors(place, (pid) => sendSignal(pid, 'SIGKILL'));
    await wait(killedPollMs);
  }
  return left;
}
