import {
  type CachelaneError,
  type HeadManifest,
  type HeadName,
  type LayerId,
  type Remote,
  type RemoteKey,
  type Revocation,
  type RunId,
  isCachelaneError,
} from '@cachelane/core';
import { namesRun } from '../../heads/without-run.ts';
import { changeHead } from '../heads/change-head.ts';
import { everyLayerOf } from '../heads/compare-heads.ts';
import { headKeys, manifestAt } from '../heads/listed-heads.ts';
import { withMend } from '../heads/remote-heads.ts';
import { latestFirst } from '../revocations/heed-revocations.ts';
import { Indexes, type RemainderDependencies, remainderThere } from './remainder-there.ts';

/** A remote head that names one of the runs. */
export interface AffectedThere {
  readonly name: HeadName;
  /** Its layers that name a run, also replaced ones. */
  readonly layers: readonly LayerId[];
}

/** A remote head that names none of the runs. */
interface OtherThere {
  readonly name: HeadName;
  /** Whether it lists the runs as revoked. `some`: only part of them, as after an interrupted revocation. */
  readonly says: 'all' | 'some' | 'none';
}

/** A head or layer that cannot be read. */
interface Unreadable {
  /** Display name. */
  readonly what: string;
  readonly error: CachelaneError;
}

export interface FoundThere {
  readonly affected: readonly AffectedThere[];
  readonly others: readonly OtherThere[];
  readonly unreadable: readonly Unreadable[];
}

/**
 * Returns the remote heads that name one of the runs. Reads every head, and every index that is not here. Reports unreadable ones and
 * continues. Changes nothing.
 */
export async function findThere(
  deps: RemainderDependencies,
  runs: ReadonlySet<RunId>,
  signal: AbortSignal,
): Promise<FoundThere> {
  const indexes = new Indexes(deps, signal);
  const affected: AffectedThere[] = [];
  const others: OtherThere[] = [];
  const unreadable: Unreadable[] = [];
  for await (const key of headKeys(deps.remote, signal)) {
    const manifest = await readable(deps.remote, { key, unreadable }, signal);
    if (manifest === null) continue;
    const { namespace, volume, compat, lane } = manifest;
    const name = { namespace, volume, compat, lane };
    const layers: LayerId[] = [];
    for (const layer of everyLayerOf(manifest)) {
      const index = await indexes.of(layer);
      if (runs.has(layer.run) || (index.isRead && namesRun(index.index, runs))) layers.push(layer.id);
      else if (!index.isRead) unreadable.push({ what: `layer ${layer.id.slice(0, 12)} of ${textOf(name)}`, ...index });
    }
    if (layers.length > 0) affected.push({ name, layers });
    else others.push({ name, says: saysOf(manifest, runs) });
  }
  return { affected, others, unreadable };
}

async function readable(
  remote: Remote,
  { key, unreadable }: { readonly key: RemoteKey; readonly unreadable: Unreadable[] },
  signal: AbortSignal,
): Promise<HeadManifest | null> {
  try {
    return await withMend(async () => {
      const head = await remote.heads.read(key, signal);
      return head === undefined ? null : manifestAt(key, head);
    });
  } catch (error) {
    if (!isCachelaneError(error, 'E_OBJECT_CORRUPT', 'E_REMOTE_UNFIT')) throw error;
    unreadable.push({ what: `the head ${key}`, error });
    return null;
  }
}

function saysOf({ revoked }: HeadManifest, runs: ReadonlySet<RunId>): OtherThere['says'] {
  const said = revoked.filter(({ run }) => runs.has(run)).length;
  return said === runs.size ? 'all' : said > 0 ? 'some' : 'none';
}

function textOf({ namespace, volume, lane }: HeadName): string {
  return `${namespace}:${volume} on lane ${lane}`;
}

/** Records the revocation in a remote head, for machines that have changes of the runs and have not pushed them yet. */
export async function noteThere(
  deps: RemainderDependencies,
  name: HeadName,
  revocations: readonly Revocation[],
  signal: AbortSignal,
): Promise<void> {
  await changeHead(
    deps,
    name,
    (manifest) => {
      const revoked = latestFirst([...manifest.revoked, ...revocations]);
      return revoked.length === manifest.revoked.length ? null : { ...manifest, revoked };
    },
    signal,
  );
}

/**
 * Removes revoked runs from a remote head without local copies. Removes their layers, opens squashes that contain them, and removes their
 * entries from other layers. Every machine that syncs with the head then drops the runs. References to removed files stay until the tool
 * notices. Returns whether the head moved.
 */
export async function revokeThere(
  deps: RemainderDependencies,
  name: HeadName,
  revocations: readonly Revocation[],
  signal: AbortSignal,
): Promise<boolean> {
  const runs = new Set(revocations.map(({ run }) => run));
  const indexes = new Indexes(deps, signal);
  return await changeHead(
    deps,
    name,
    async (manifest) => {
      const layers = await remainderThere(deps, { manifest, runs, indexes }, signal);
      const known = new Set(manifest.revoked.map(({ run }) => run));
      const isAsWas =
        layers.length === manifest.layers.length && layers.every((each, i) => each === manifest.layers[i]);
      if (isAsWas && [...runs].every((run) => known.has(run))) return null;
      const revoked = latestFirst([...manifest.revoked, ...revocations]);
      const removed = [...everyLayerOf(manifest).map(({ id }) => id), ...manifest.removed];
      return { ...manifest, layers, revoked, removed };
    },
    signal,
  );
}
