import { invariant, resolvePolicy, statedPolicy, type Remote, type RunId } from '@cachelane/core';
import { everything, type TestEngine } from '../testing/test-engine.fixture.ts';
import type { Chance } from './turns.fixture.ts';
import type { Machine, Plant, Troubles } from './world.fixture.ts';

/** What processes of the simulation do, each as likely as it is often here. */
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

/** Faults that are put in. */
export interface Planted {
  readonly plant?: Plant | undefined;
  /** In those only that collect what is on the remote. */
  readonly collecting?: ((remote: Remote) => Remote) | undefined;
  /** In those only that revoke runs. */
  readonly revoking?: Plant | undefined;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** Weeks go by between two acts, and every lane is to be there in the end: only what nothing refers to goes. */
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

/** A process, and where it runs. */
export interface Actor {
  readonly engine: TestEngine;
  readonly machine: Machine;
}

export interface SavedName {
  readonly machine: Machine;
  /** Whether the remote has it, as far as the run could tell. */
  readonly isSent: boolean;
  readonly run: RunId;
  readonly savedAtMs: number;
}

/** What a head of the remote named a moment ago can still be had, whatever became of the head. */
export function faultOfPull({ events }: TestEngine): string | null {
  const missing = events.find((event) => event.type === 'warning' && event.code === 'E_LAYER_MISSING');
  return missing?.type === 'warning' ? missing.message : null;
}

export function runOf({ events }: TestEngine): RunId {
  const opened = events.findLast(({ type }) => type === 'session-opened');
  invariant(opened?.type === 'session-opened', 'what saved something had a session');
  return opened.run;
}
