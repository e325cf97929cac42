import { acts, places, type Act, type Place, type Thing } from './told.fixture.ts';

/** An operation as its worker reported it. */
export interface Operation {
  readonly worker: string;
  readonly number: number;
  readonly act: Act;
  readonly place: Place;
  readonly beganMs: number;
  /** When it ended, or its worker was killed. */
  readonly endedMs: number;
  /** False for a failed or killed operation, which may be partly done. */
  readonly isDone: boolean;
  readonly why: string | null;
  readonly puts: readonly Thing[];
  readonly takes: readonly Thing[];
}

/** What a run finds in each place. */
export type Seen = ReadonlyMap<Place, ReadonlySet<Thing>>;

/** The events of one thing. */
interface Story {
  readonly thing: Thing;
  readonly put: Operation;
  readonly takes: readonly Operation[];
}

/** Returns what contradicts the operations, whatever their interleaving. The lines are for people. */
export function disagreements(operations: readonly Operation[], seen: Seen): readonly string[] {
  const all = Object.keys(places) as readonly Place[];
  return [...all.flatMap((place) => disagreementsIn(place, operations, seen)), ...missingCopies(operations, seen)];
}

/** Returns how many things must exist, and how many must not. */
export function demands(operations: readonly Operation[]): { readonly there: number; readonly gone: number } {
  const all = (Object.keys(places) as readonly Place[]).flatMap((place) => {
    const removals = removalsOf(place, operations);
    return storiesOf(place, operations).map((story) => expected(story, removals));
  });
  return { there: all.filter((each) => each === 'there').length, gone: all.filter((each) => each === 'gone').length };
}

function disagreementsIn(place: Place, operations: readonly Operation[], seen: Seen): readonly string[] {
  const found = seen.get(place) ?? new Set();
  const stories = storiesOf(place, operations);
  const removals = removalsOf(place, operations);
  const wrong = stories.flatMap((story) => {
    const wanted = expected(story, removals);
    if (wanted === 'either' || (wanted === 'there') === found.has(story.thing)) return [];
    const { worker, number, act } = story.put;
    const what = wanted === 'there' ? 'is missing' : 'is still there';
    const takes = story.takes.map((take) => `, ${take.act} ${take.number} of ${take.worker}`).join('');
    return [`${place}: ${story.thing} ${what} (${act} ${number} of ${worker}${takes})`];
  });
  const known = new Set(operations.flatMap(({ puts }) => puts));
  const strange = [...found]
    .filter((thing) => !known.has(thing))
    .map((thing) => `${place}: no operation saved ${thing}`);
  return [...wrong, ...strange, ...wrongStates(place, operations, found)];
}

function storiesOf(place: Place, operations: readonly Operation[]): readonly Story[] {
  const here = operations.filter((each) => each.place === place);
  const takes = Map.groupBy(
    here.flatMap((operation) => operation.takes.map((thing) => ({ thing, operation }))),
    ({ thing }) => thing,
  );
  return here.flatMap((put) =>
    put.puts
      .filter((thing) => !thing.startsWith('state '))
      .map((thing) => ({ thing, put, takes: (takes.get(thing) ?? []).map(({ operation }) => operation) })),
  );
}

/** Returns the operations that remove other workers' things. */
function removalsOf(place: Place, operations: readonly Operation[]): readonly Operation[] {
  const removing: ReadonlySet<Act> = new Set(['rm', 'rm by the program', 'roll back']);
  return operations.filter((each) => each.place === place && removing.has(each.act));
}

function touches({ act }: Operation, thing: Thing): boolean {
  return act !== 'rm by the program' || thing.startsWith('data ');
}

function expected({ thing, put, takes }: Story, all: readonly Operation[]): 'there' | 'gone' | 'either' {
  // A short-lived lane may be evicted at any time.
  if (!put.isDone || put.place.startsWith('brief')) return 'either';
  const removals = all.filter((removal) => touches(removal, thing));
  if (takes.some(({ act, isDone }) => act === 'revoke' && isDone)) return 'gone';
  const backs = removals.filter(({ act }) => act === 'roll back');
  const isTaken = takes.some((take) => take.isDone && backs.every(({ endedMs }) => endedMs < take.beganMs));
  // A tier keeps what its project removed, and brings it back. The project's plain volume has only its own files.
  const isShared = put.place === 'fed-local' || (put.place === 'tier-local' && thing.startsWith('data '));
  if (isShared) return put.place === 'fed-local' && isUntouched({ thing, put, takes }, removals) ? 'there' : 'either';
  const isRemoved = removals.some(({ act, isDone, beganMs }) => act !== 'roll back' && isDone && beganMs > put.endedMs);
  if (isTaken || isRemoved) return 'gone';
  return isUntouched({ thing, put, takes }, removals) ? 'there' : 'either';
}

function isUntouched({ put, takes }: Story, removals: readonly Operation[]): boolean {
  return takes.length === 0 && removals.every(({ endedMs }) => endedMs < put.beganMs);
}

/** Returns the errors in a tier after a feed: it must have what the project has, and nothing that was revoked. */
export function wronglyFed(operations: readonly Operation[], seen: Seen): readonly string[] {
  const tier = seen.get('tier-local') ?? new Set();
  const lacks = [...(seen.get('fed-local') ?? [])].filter((thing) => thing.startsWith('npm ') && !tier.has(thing));
  const revoked = operations.filter((each) => each.place === 'fed-local' && each.act === 'revoke' && each.isDone);
  return [
    ...lacks.map((thing) => `tier-local: ${thing} was not fed`),
    ...revoked.flatMap(({ takes }) =>
      takes.flatMap((thing) => (tier.has(thing) ? [`tier-local: ${thing} is revoked and still there`] : [])),
    ),
  ];
}

/** Returns the state files that hold neither their worker's last write nor that of a worker killed later. */
function wrongStates(place: Place, operations: readonly Operation[], found: ReadonlySet<Thing>): readonly string[] {
  if (!place.startsWith('keep')) return [];
  const changes = operations.filter((each) => each.place === place && each.act === 'change');
  return [...Map.groupBy(changes, ({ worker }) => worker)].flatMap(([worker, own]) => {
    const last = own.findLastIndex(({ isDone }) => isDone);
    const wanted = own.slice(Math.max(last, 0)).flatMap(({ puts }) => puts);
    if (last === -1 || wanted.some((thing) => found.has(thing))) return [];
    return [`${place}: the file of ${worker} has none of: ${wanted.join(', ')}`];
  });
}

/** Returns what is missing from copies: saved before the export began, and never removed. */
function missingCopies(operations: readonly Operation[], seen: Seen): readonly string[] {
  const copies = operations.filter(({ act, isDone }) => act === 'copy' && isDone);
  const latestMs = Math.max(0, ...copies.map(({ beganMs }) => beganMs));
  const found = seen.get('copy-local') ?? new Set();
  return storiesOf('keep-local', operations)
    .filter(({ put, takes }) => put.isDone && put.endedMs < latestMs && takes.length === 0)
    .flatMap(({ thing }) => (found.has(thing) ? [] : [`copy-local: ${thing} was exported and is missing`]));
}

/** Returns the acts that were attempted often and never done. They prove nothing. */
export function vainActs(operations: readonly Operation[]): readonly string[] {
  return acts.flatMap((act) => {
    const own = operations.filter((each) => each.act === act && each.why !== 'killed');
    return own.length < 5 || own.some(({ isDone }) => isDone) ? [] : [`${act} was never done: ${own[0]?.why ?? ''}`];
  });
}

/** Returns the numbers of done, failed and killed operations by act. */
export function countsOf(operations: readonly Operation[]): readonly string[] {
  return acts.map((act) => {
    const own = operations.filter((each) => each.act === act);
    const whys = Map.groupBy(
      own.filter(({ isDone }) => !isDone),
      ({ why }) => why ?? '?',
    );
    const others = [...whys].map(([why, { length }]) => `${length} x ${why}`).join('; ');
    return `${act}: ${own.filter(({ isDone }) => isDone).length}${others === '' ? '' : `, not: ${others}`}`;
  });
}
