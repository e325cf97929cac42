import { setTimeout as wait } from 'node:timers/promises';
import { backgroundVariable, type RunPlace, type Survivor } from '@cachelane/core';
import { processIds, readArguments, readEnvironment, readMountView, readStat } from '../system/proc.ts';
import { holdsLease, leaseOf } from '../system/lease-place.ts';
import { sendSignal } from '../system/send-signal.ts';

/** Poll interval for ending processes, and for killed ones that may fork. */
const askedPollMs = 20;
const killedPollMs = 1;

/** Gives up on a machine that starts processes faster than this many rounds. */
const roundsMax = 50;

/** Wait after KILL: processes end at once, or hang in the kernel. */
const killedMs = 5000;

/**
 * A place is named by a directory that a run mounts onto itself before its command starts. A process that sees that mount can write to the
 * run's volumes, also from a nested mount namespace. The namespace number is not enough: it misses nested ones, and the kernel reuses it.
 */
export const placeOf = (marker: string): RunPlace => ({ token: marker });

/**
 * Returns processes in the place, except this one, as far as /proc shows them: not those of other PID namespaces, and, as an ordinary user,
 * not those of other users (which bubblewrap prevents). Misses a single remaining process that was moved below a chroot.
 */
export function findSurvivors(place: RunPlace, onFound: (pid: number) => void = () => undefined): readonly Survivor[] {
  const isIn = testOf(place);
  const looked = new Set<number>();
  const found: Survivor[] = [];
  // A process may start another and end before it is checked, so repeat until a round finds nothing new. Check the youngest first, and call
  // `onFound` at once, since some live for an instant.
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
 * Whether a process frees space in this run's own store in the background. It never writes to the run's volumes, since a volume and the
 * store cannot contain each other. A process for another store may.
 */
function tidiesUp(pid: number, { token }: RunPlace): boolean {
  const name = `${backgroundVariable}=`;
  // `env` has it as an argument before it sets it.
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
 * `outside` caches mount namespaces without the marker. Membership is never cached: after a signal ends a namespace's last process, the
 * next namespace may get its number.
 */
function isInPlace(pid: number, marker: string, outside: Set<string>): boolean {
  const view = readMountView(pid);
  if (view === null || outside.has(view.namespace)) return false;
  const found = view.seesMountAt(marker);
  if (!found && !view.confined) outside.add(view.namespace);
  return found;
}

/** Sends TERM (and CONT for stopped processes), and after `graceMs` KILL until no process is left. */
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
  // A process may fork between the check and the signal.
  for (let waitedMs = 0; left.length > 0 && waitedMs < killedMs; waitedMs += killedPollMs) {
    left = findSurvivors(place, (pid) => sendSignal(pid, 'SIGKILL'));
    await wait(killedPollMs);
  }
  return left;
}
