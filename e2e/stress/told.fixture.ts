import type { Whereabouts } from '../engine.fixture.ts';
import { dataPath, hasData } from '../sync/commits.fixture.ts';

/** What a process that plays operations is to do. */
export interface WorkerOrder {
  /** Of the home, see `openHomeEngine`. */
  readonly dir: string;
  /** Prefix of the names that it saves. */
  readonly worker: string;
  readonly seed: number;
  /** The first operation, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Holds by how many milliseconds clocks are ahead. */
  readonly aheadFile: string;
  /** Where `cachelane` is: a program and its first arguments. */
  readonly cachelane: readonly string[];
}

/**
 * Where operations happen. In `keep` nothing is taken away but what its own worker takes away; in `wild` everything may happen; in `brief` lanes live for an hour; `copy` has
 * what was exported from `keep`; `fed` lies on `tier`, and feeds it.
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

/** Every one of them names what `keep` names. */
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

/** Something that a run finds or does not: `npm NAME`, a name with its content; `data PATH`, a file of the plain volume; `state WHOSE NUMBER`, the content of a file that is changed again and again. */
export type Thing = string;

/** Messages of a worker, one JSON line each. Times are from one shared clock, in milliseconds. */
export type Told =
  | { readonly say: 'begin'; readonly number: number; readonly act: Act; readonly place: Place; readonly atMs: number }
  /** What it is about to save or remove. */
  | { readonly say: 'about'; readonly puts?: readonly Thing[]; readonly takes?: readonly Thing[] }
  /** `isDone`: the operation is complete and durable. */
  | { readonly say: 'end'; readonly isDone: boolean; readonly why: string | null; readonly atMs: number }
  /** Something that must not be. */
  | { readonly say: 'fault'; readonly what: string };

export function sharedClockMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** The path of the file that a worker changes again and again; it holds the number of the operation that changed it last. */
export function stateFile(worker: string, place: Place): string {
  return `state/${worker}-${place}`;
}

/** `w3-keep-local.17`: worker, place and operation. In the plain volume, a directory of that worker and place. */
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
