import { type Random, type TrustLevel, type VolumeReport, limits } from '@cachelane/core';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeLog } from './background-process.ts';
import type { Host } from '../host/host.ts';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { keepReserve } from '../home/reserve.ts';

/** Log of background collections since a run last reported it. */
export function collectLog(homeDir: string): string {
  return join(homeDir, 'gc.log');
}

export interface LaterCollection {
  readonly homeDir: string;
  readonly trust: TrustLevel;
  readonly reports: readonly VolumeReport[];
}

/** Starts a background collection after a save, at most once an hour for each home. It evicts only equally or less trusted lanes. */
export async function collectLater(
  { program, env, clock, random, pieces }: Host,
  { homeDir, trust, reports }: LaterCollection,
  warn: (message: string) => void,
): Promise<void> {
  if (reports.every(({ layer }) => layer === null)) return;
  try {
    keepReserve(homeDir);
    const file = join(homeDir, 'collected');
    const claiming = { nowMs: clock.nowMs(), everyMs: limits.collectEveryMs, name: nameFrom(random) };
    if (!claim(file, claiming)) return;
    const told = takeLog(collectLog(homeDir), {
      failed: 'the last background collection failed and will be retried',
      warned: 'the last background collection',
    });
    if (told !== null) warn(told);
    await pieces.startCollect({ where: 'here', program, homeDir, env, trust });
  } catch (error) {
    // The command has ended, and its changes are saved.
    const why = error instanceof Error ? error.message : String(error);
    warn(`no background collection was started: ${why}`);
  }
}

export interface LaterShared extends Pick<LaterCollection, 'homeDir' | 'reports'> {
  readonly shared: ChosenRemote;
}

/** Like {@link collectLater}, but collects in the remote, once a day, where runs push in the background. A CI job would kill it. */
export async function collectSharedLater(
  { program, env, clock, random, pieces }: Host,
  { homeDir, reports, shared: { pushMode, choice } }: LaterShared,
  warn: (message: string) => void,
): Promise<void> {
  const { address } = choice;
  const isSent = reports.some(({ sync }) => sync !== null && sync.pushed !== 'none');
  if (pushMode !== 'background' || address === null || !isSent) return;
  try {
    const claiming = { nowMs: clock.nowMs(), everyMs: limits.remoteCollectEveryMs, name: nameFrom(random) };
    if (claim(join(homeDir, 'collected-remote'), claiming)) {
      await pieces.startCollect({ where: 'remote', program, homeDir, env, address });
    }
  } catch (error) {
    warn(`no collection of the remote was started: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function nameFrom(random: Random): string {
  return Buffer.from(random.bytes(8)).toString('hex');
}

interface Claim {
  readonly nowMs: number;
  readonly everyMs: number;
  /** Unique to this process. */
  readonly name: string;
}

/** Whether this process should collect now. The first call only starts the interval. */
function claim(file: string, { nowMs, everyMs, name }: Claim): boolean {
  const last = lastIn(file);
  // A time in the future comes from a wrong clock.
  if (last !== null && nowMs >= last && nowMs - last < everyMs) return false;
  const mine = last !== null && take(file, `${file}-${name}`);
  if (last === null || mine) writeFileSync(file, `${nowMs}\n`, { mode: 0o600 });
  return mine;
}

function lastIn(file: string): number | null {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return /^\d{1,15}$/.test(text) ? Number(text) : 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Of several processes, the one whose rename succeeds. */
function take(file: string, own: string): boolean {
  try {
    renameSync(file, own);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  rmSync(own, { force: true });
  return true;
}
