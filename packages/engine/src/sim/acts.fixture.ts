import { invariant, resolvePolicy, statedPolicy, type Remote, type RunId } from '@cachelane/core';
import { everything, type TestEngine } from '../testing/test-engine.fixture.ts';
import type { Chance } from './turns.fixture.ts';
import type { Machine, Plant, Troubles } from './world.fixture.ts';

/** What processes of the simulation do; entries are repeated to make them likelier. */
export const often = [
  'install',
  'install',
  'install',
  'install often',
  'install often',
  'look',
  'junk',
  'prune',
  'collect',
  'collect there',
  'collect there',
  'push',
  'roll back',
  'revoke',
  'revoke',
] as const;
export type Act = (typeof often)[number];

/** Planted faults. */
export interface Planted {
  readonly plant?: Plant | undefined;
  /** Planted only in processes that collect the remote. */
  readonly collecting?: ((remote: Remote) => Remote) | undefined;
  /** Planted only in processes that revoke runs. */
  readonly revoking?: Plant | undefined;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** Lanes never expire, although weeks pass between two acts: only unused data may be deleted. */
const lasting = { 'keep-run': 'none', 'keep-pr': 'none', 'keep-branch': 'none', 'keep-default': 'none' } as const;
const stated = statedPolicy(lasting, 'simulation');
export const unused = { ...everything, policy: stated };
export const unusedThere = {
  policyOf: () => resolvePolicy({ user: stated, stored: [], repository: {} }),
  dryRun: false,
  onlyIfDue: false,
};

export function troublesOf(chance: Chance): Troubles {
  return {
    dies: chance.pick([Infinity, Infinity, 60, 20]),
    loses: chance.pick([Infinity, 12]),
    refuses: chance.pick([Infinity, Infinity, 8]),
    full: chance.pick([Infinity, Infinity, Infinity, 3]),
  };
}

/** A process and its machine. */
export interface Actor {
  readonly engine: TestEngine;
  readonly machine: Machine;
}

export interface SavedName {
  readonly machine: Machine;
  /** Whether the run saw its layers arrive in the remote. */
  readonly isSent: boolean;
  readonly run: RunId;
  readonly savedAtMs: number;
}

/** Returns a fault if a layer was missing that a remote head had just named. */
export function faultOfPull({ events }: TestEngine): string | null {
  const missing = events.find((event) => event.type === 'warning' && event.code === 'E_LAYER_MISSING');
  return missing?.type === 'warning' ? missing.message : null;
}

export function runOf({ events }: TestEngine): RunId {
  const opened = events.findLast(({ type }) => type === 'session-opened');
  invariant(opened?.type === 'session-opened', 'a run that saved has a session');
  return opened.run;
}
