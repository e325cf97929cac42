import type { Whereabouts } from '../engine.fixture.ts';
import { dataPath, hasData } from '../sync/commits.fixture.ts';

/** The work of a process. */
export interface WorkerOrder {
  /** The directory of the home, see `openHomeEngine`. */
  readonly dir: string;
  /** The prefix of the names that it saves. */
  readonly worker: string;
  readonly seed: number;
  /** The first operation, and the end of the range (exclusive). */
  readonly from: number;
  readonly to: number;
  /** A file with the number of milliseconds that clocks are ahead. */
  readonly aheadFile: string;
  /** The `cachelane` program and its first arguments. */
  readonly cachelane: readonly string[];
}

/**
 * The places of operations. In `keep` only a worker itself removes its things. In `wild` everything is allowed. In `brief`
 * lanes live for an hour. `copy` has exports of `keep`. `fed` is above `tier` and feeds it.
 */
export const places = {
  'keep-local': { namespace: 'github.com/acme/keep', lane: 't1:local' },
  'keep-feature': { namespace: 'github.com/acme/keep', lane: 't1:ref:feature', base: 't1:local' },
  'wild-local': { namespace: 'github.com/acme/wild', lane: 't1:local' },
  'wild-feature': { namespace: 'github.com/acme/wild', lane: 't1:ref:feature', base: 't1:local' },
  'brief-feature': { namespace: 'github.com/acme/brief', lane: 't1:ref:feature' },
  'fed-local': { namespace: 'github.com/acme/fed', lane: 't1:local', tier: 'github.com/acme/tier' },
  'tier-local': { namespace: 'github.com/acme/tier', lane: 't1:local' },
  'copy-local': { namespace: 'github.com/acme/copy', lane: 't1:local' },
} as const satisfies Readonly<Record<string, Whereabouts>>;
export type Place = keyof typeof places;

/** Names of the same namespace as `keep`. */
export const aliases = [places['keep-local'].namespace, 'github.com/acme/kept', 'github.com/acme/keeps'] as const;

export const acts = [
  'add',
  'change',
  'remove',
  'prune',
  'look',
  'collect',
  'verify',
  'rename',
  'copy',
  'rm',
  'roll back',
  'revoke',
  'policy',
  'run by the program',
  'gc by the program',
  'rm by the program',
] as const;
export type Act = (typeof acts)[number];

/**
 * A thing that a run may find: `npm NAME`, a name with its content; `data PATH`, a file of the plain volume; `state WORKER NUMBER`,
 * the content of a file that its worker keeps changing.
 */
export type Thing = string;

/** A worker's reports, one line of JSON each. Times are milliseconds of one clock that all processes share. */
export type Told =
  | { readonly say: 'begin'; readonly number: number; readonly act: Act; readonly place: Place; readonly atMs: number }
  /** Announces the things to save or remove for good. */
  | { readonly say: 'about'; readonly puts?: readonly Thing[]; readonly takes?: readonly Thing[] }
  /** `isDone`: the announced change is complete. */
  | { readonly say: 'end'; readonly isDone: boolean; readonly why: string | null; readonly atMs: number }
  /** A violation. */
  | { readonly say: 'fault'; readonly what: string };

export function sharedClockMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** Returns the path of the file that a worker keeps changing. It has the number of the last operation. */
export function stateFile(worker: string, place: Place): string {
  return `state/${worker}-${place}`;
}

/** Returns a name like `w3-keep-local.17`: worker, place and operation. In the plain volume, each worker and place has a directory. */
export function nameOf(worker: string, place: Place, number: number): string {
  return `${worker}-${place}.${number}`;
}

export function isOwn(name: string, worker: string, place: Place): boolean {
  return name.startsWith(`${worker}-${place}.`);
}

export function thingsOf(name: string): readonly Thing[] {
  return hasData(name) ? [npmThing(name), dataThing(dataPath(name))] : [npmThing(name)];
}

export function npmThing(name: string): Thing {
  return `npm ${name}`;
}

export function dataThing(path: string): Thing {
  return `data ${path}`;
}
