import type { LayerId } from '../layers/entry.ts';
import { Squashes, type SquashRecord } from '../snapshots/squashes.ts';

export interface HeadMerge {
  /** Layers that both heads have named before. */
  readonly common: ReadonlySet<LayerId>;
  /** The local head, top first. */
  readonly local: readonly LayerId[];
  /** The remote head, top first. */
  readonly remote: readonly LayerId[];
  /** Returns whether a layer removes what it saw. It must not be placed on layers that it did not see. */
  readonly takesAway: (id: LayerId) => boolean;
  /** Known squashes of both sides. */
  readonly squashes: Squashes;
}

/**
 * Returns the merged head, top first, without squashes: heads with different squashes are merged by the replaced
 * layers. `Squashes.contract` adds the squashes that still match, the remote's first, because others already have
 * them.
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
 * Merges two heads with a common past: additions of both stay, removals of either count. Remote layers keep their
 * order, because others build on it. New local layers go on top, as in a commit. A removing layer, the layers below
 * it, and layers inserted between remote ones stay directly above the layer they were on. A removing layer is dropped
 * if it would be placed on layers that it did not see, or below another such layer. That costs only space.
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
  // A removal by others that did not see our layers must not affect them.
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
  /** Returns whether the replaced layers of a squash are still here. */
  readonly isKept: (record: SquashRecord) => boolean;
}

/**
 * Returns the squashes for comparing heads. A squash counts as an ordinary layer in two cases. First, the remote does
 * not know it and its parts are gone here; their absence is not a removal. Second, it shares layers with another
 * squash of the same head, as after concurrent squashes.
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
  // The remote may name such a squash itself, but that does not give anyone its parts.
  const named = new Set(new Squashes([...there, ...here.filter(isKept)]).expand(remote));
  const known = new Set(there.map(({ id }) => id));
  const isLost = (record: SquashRecord): boolean =>
    !known.has(record.id) && !isKept(record) && !all.expand([record.id]).every((id) => named.has(id));
  const lost = new Set(new Squashes(here).within(local).flatMap((record) => (isLost(record) ? [record.id] : [])));
  const rest = new Squashes(all.records.filter(({ id }) => !lost.has(id)));
  const met = new Set([...meeting(rest, remote), ...meeting(rest, local)]);
  const squashes = new Squashes(rest.records.filter(({ id }) => !met.has(id)));
  // Includes nested squashes: a head with the whole squash does not lack its parts.
  const hidden = new Set<LayerId>();
  for (const head of [local, remote]) {
    const shown = new Set(squashes.expand(head));
    const whole = [...shown].filter((id) => lost.has(id) || met.has(id));
    for (const id of all.inside(whole)) if (!shown.has(id)) hidden.add(id);
  }
  return { squashes, common: new Set([...common].filter((id) => !hidden.has(id))) };
}

/** Returns the squashes of a head that share a layer with one above them. */
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
 * Returns what is common after both heads moved. A removal that the remote does not know stays one. Squashes named by
 * both are recorded beside their parts, for clients that no longer know the parts.
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
  /** The local head. */
  readonly head: readonly LayerId[];
  /** The common layers with each of its remotes. */
  readonly commons: readonly (readonly LayerId[])[];
  /** Older squashes may be forgotten. */
  readonly beforeMs: number;
}

/**
 * Forgets old squashes, which become ordinary layers. One that the head names stays while a remote has its parts but
 * not the squash; otherwise the parts would look removed here.
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
