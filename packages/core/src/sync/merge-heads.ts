import type { LayerId } from '../layers/entry.ts';
import { Squashes, type SquashRecord } from '../snapshots/squashes.ts';

export interface HeadMerge {
  /** Layers that both have named before. */
  readonly common: ReadonlySet<LayerId>;
  /** The head here, top first. */
  readonly local: readonly LayerId[];
  /** The same head as the remote has it, top first. */
  readonly remote: readonly LayerId[];
  /** Whether a layer takes away what it saw: then it must not come to lie on what it did not see. */
  readonly takesAway: (id: LayerId) => boolean;
  /** What is known here and there of squashes in any of them. */
  readonly squashes: Squashes;
}

/**
 * Top first, without squashes: two heads that were squashed differently are merged as what their squashes stand for. `Squashes.contract` tells it with those of them
 * that still fit, the remote's first, since others have them already.
 */
export function mergeHeads({ common, local, remote, takesAway, squashes }: HeadMerge): readonly LayerId[] {
  return mergeStacks({
    common: squashes.plain(common),
    local: squashes.expand(local),
    remote: squashes.expand(remote),
    takesAway,
  });
}

type StackMerge = Omit<HeadMerge, 'squashes'>;

/**
 * One head of two that went on from what they had in common: nothing that either added is lost, what either took out is out. What the remote has
 * keeps its order, since others build on it. What is new here goes on top, as a commit does: the later one wins where tools cannot merge. Only a layer
 * that takes away, what lies below it, and what was put between layers that the remote has, keep their place right above what they lay on here.
 * One that takes away and would come to lie on what it did not see, or below another one that did not see what it saw, gives way: that costs space and nothing else.
 */
function mergeStacks(heads: StackMerge): readonly LayerId[] {
  const { common, local, remote, takesAway } = heads;
  const here = new Set(local);
  const there = new Set(remote);
  const isOwnAway = (id: LayerId): boolean => !there.has(id) && !common.has(id) && takesAway(id);
  const isMet = remote.some((id) => !here.has(id) && !common.has(id) && takesAway(id));
  const merged = isMet ? [] : lay(heads);
  for (const [index, id] of local.entries()) {
    if (!isOwnAway(id)) continue;
    const seen = new Set(local.slice(index));
    const isBlind = isMet || merged.slice(merged.indexOf(id)).some((below) => !seen.has(below));
    if (isBlind) return mergeStacks({ ...heads, local: local.filter((each) => each !== id) });
  }
  return isMet ? lay(heads) : merged;
}

function lay({ common, local, remote, takesAway }: StackMerge): readonly LayerId[] {
  const here = new Set(local);
  const there = new Set(remote);
  const isNew = (id: LayerId): boolean => !there.has(id) && !common.has(id);
  const firstKept = local.findIndex((id) => there.has(id));
  const firstAway = local.findIndex((id) => isNew(id) && takesAway(id));
  const ends = [firstKept, firstAway].filter((index) => index >= 0);
  const free = local.slice(0, Math.min(local.length, ...ends));

  const merged = remote.filter((id) => here.has(id) || !common.has(id));
  // What somebody else took away without having seen ours must not take ours along.
  const lid = merged.find((id) => !here.has(id) && takesAway(id));
  let below: LayerId | undefined;
  for (const id of local.slice(free.length).toReversed()) {
    const deepest = lid === undefined ? merged.length : merged.indexOf(lid);
    const wished = below === undefined ? merged.length : merged.indexOf(below);
    if (isNew(id)) merged.splice(Math.min(wished, deepest), 0, id);
    if (isNew(id) || there.has(id)) below = id;
  }
  return [...free.filter(isNew), ...merged];
}

export interface KnownSquashes {
  readonly here: readonly SquashRecord[];
  readonly there: readonly SquashRecord[];
  /** The two heads. */
  readonly local: readonly LayerId[];
  readonly remote: readonly LayerId[];
  readonly common: ReadonlySet<LayerId>;
  /** Whether what a squash replaced is still here. */
  readonly isKept: (record: SquashRecord) => boolean;
}

/**
 * What heads are compared with. A squash that the remote has not heard of and that cannot be taken apart here any more is a layer like others: that what it
 * stands for is not here by itself does not mean that it was taken out. So is one that shares layers with another one of the same head, as machines leave them that squashed at once: what only it
 * stands for could not be told without it.
 */
export function comparable({
  here,
  there,
  local,
  remote,
  common,
  isKept,
}: KnownSquashes): Pick<HeadMerge, 'squashes' | 'common'> {
  const all = new Squashes([...there, ...here]);
  // The remote may name such a squash itself: that does not give anybody what it is made of.
  const named = new Set(new Squashes([...there, ...here.filter(isKept)]).expand(remote));
  const known = new Set(there.map(({ id }) => id));
  const isLost = (record: SquashRecord): boolean =>
    !known.has(record.id) && !isKept(record) && !all.expand([record.id]).every((id) => named.has(id));
  const lost = new Set(new Squashes(here).within(local).flatMap((record) => (isLost(record) ? [record.id] : [])));
  const rest = new Squashes(all.records.filter(({ id }) => !lost.has(id)));
  const met = new Set([...meeting(rest, remote), ...meeting(rest, local)]);
  const squashes = new Squashes(rest.records.filter(({ id }) => !met.has(id)));
  // Also squashes, each of which would stand for its parts: a head that has the whole does not lack them.
  const hidden = new Set<LayerId>();
  for (const head of [local, remote]) {
    const shown = new Set(squashes.expand(head));
    const whole = [...shown].filter((id) => lost.has(id) || met.has(id));
    for (const id of all.inside(whole)) if (!shown.has(id)) hidden.add(id);
  }
  return { squashes, common: new Set([...common].filter((id) => !hidden.has(id))) };
}

/** Squashes of a head that stand for something that others above them stand for as well. */
function meeting(squashes: Squashes, head: readonly LayerId[]): readonly LayerId[] {
  const seen = new Set<LayerId>();
  return head.filter((id) => {
    const layers = squashes.expand([id]);
    const meets = layers.some((layer) => seen.has(layer));
    for (const layer of layers) seen.add(layer);
    return meets;
  });
}

interface CommonChange {
  readonly before: Pick<HeadMerge, 'common' | 'local'>;
  readonly after: Pick<HeadMerge, 'local' | 'remote'>;
  readonly squashes: Squashes;
}

/**
 * What is in common once the head here is `after.local` and the remote's is `after.remote`: a removal that the remote has not heard of stays one. Squashes that both
 * name are noted beside what they stand for: whoever does not know that any more knows them by name.
 */
export function commonAfter({ before, after, squashes }: CommonChange): readonly LayerId[] {
  const had = new Set(squashes.expand(before.local));
  const has = new Set(squashes.expand(after.local));
  const known = squashes.plain(before.common);
  const common = squashes.expand(after.remote).filter((id) => has.has(id) || (known.has(id) && !had.has(id)));
  const here = new Set(squashes.within(after.local));
  const named = squashes.within(after.remote).filter((record) => here.has(record));
  return [...common, ...named.map(({ id }) => id)];
}

export interface Expiry {
  readonly records: readonly SquashRecord[];
  /** The head here. */
  readonly head: readonly LayerId[];
  /** What it has in common with each of its remotes. */
  readonly commons: readonly (readonly LayerId[])[];
  /** Squashes from before may be forgotten. */
  readonly beforeMs: number;
}

/**
 * Forgets old squashes: from then on they are layers like others. One that the head names stays as long as a remote has what it stands for and not the squash itself: else that
 * would look as if it had been taken out here.
 */
export function expireSquashes({ records, head, commons, beforeMs }: Expiry): Pick<Expiry, 'records' | 'commons'> {
  const squashes = new Squashes(records);
  const needed = new Set(squashes.within(head));
  const known = commons.map((common) => new Set(common));
  const isNeeded = (record: SquashRecord): boolean =>
    record.atMs >= beforeMs ||
    (needed.has(record) &&
      known.some((common) => !common.has(record.id) && record.layers.some((id) => common.has(id))));
  const kept = new Set(squashes.records.filter(isNeeded));
  const forgotten = squashes.records.filter((record) => !kept.has(record));
  const left = commons.map((common, index) => {
    const named = forgotten.filter(({ id }) => known[index]?.has(id));
    const inside = squashes.inside(named.map(({ id }) => id));
    return common.filter((id) => !inside.has(id));
  });
  return { records: [...kept], commons: left };
}
