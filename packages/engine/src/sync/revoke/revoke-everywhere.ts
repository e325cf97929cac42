import {
  isCovered,
  newId,
  type FeedRecord,
  type HeadName,
  type Namespace,
  type NamespaceId,
  type Remote,
  type Revocation,
  type RunId,
} from '@cachelane/core';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import { planRevocation, revokeHere, type AffectedHead, type RevocationPlan } from '../../provenance/revoke-runs.ts';
import type { FetchedLayers } from '../../removal/remove-runs.ts';
import { fetchReplaced, nothingFetched } from '../revocations/fetch-replaced.ts';
import { pushHead } from '../push/push-head.ts';
import { readRemoteId } from '../heads/remote-heads.ts';
import { findThere, noteThere, revokeThere, type AffectedThere } from './revoke-there.ts';
import { isShared } from '../heads/synced-volumes.ts';

export type RevokeEverywhereDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'transfers' | 'clock' | 'random' | 'tools' | 'bootId' | 'events'
> & { readonly remote: Remote | null };

export interface RevocationPlans {
  readonly here: RevocationPlan;
  /** Affected heads of the remote. */
  readonly there: readonly AffectedThere[];
  /** Other remote heads of the runs' namespaces. They get the revocation too. */
  readonly toNote: readonly HeadName[];
}

/** Returns what {@link revokeEverywhere} would do, and changes nothing. Errors: those of the remote. */
export async function planEverywhere(
  deps: RevokeEverywhereDependencies,
  question: { readonly run: RunId; readonly cascade: boolean },
  signal: AbortSignal,
): Promise<RevocationPlans> {
  const { remote } = deps;
  const here = await planRevocation(deps, question, signal);
  if (remote === null) return { here, there: [], toNote: [] };
  const { affected, others, unreadable } = await findThere({ ...deps, remote }, new Set(here.runs), signal);
  for (const { what, error } of unreadable) {
    const message = `${what} in ${remote.name} cannot be read, and is left alone: ${error.message}`;
    deps.events({ type: 'warning', code: error.code, message, hint: mend });
  }
  const paths = await pathsOf(deps, signal);
  const records = await Promise.all(here.runs.map(async (run) => await deps.metadata.run(run, signal)));
  const namespaces = new Set<Namespace | undefined>([
    ...affected.map(({ name }) => name.namespace),
    ...here.heads.map(({ volume }) => paths.get(volume.namespaceId)),
    // An interrupted revocation may be the only trace of the namespace.
    ...records.map((record) => (record === undefined ? undefined : paths.get(record.namespaceId))),
    ...others.flatMap(({ name, says }) => (says === 'none' ? [] : [name.namespace])),
  ]);
  const feeds = await feedsInto(deps, namespaces, signal);
  const isOf = ({ namespace }: HeadName): boolean =>
    namespaces.has(namespace) || feeds.some(({ from }) => isCovered(from, [namespace]));
  const toNote = others.flatMap(({ name, says }) => (says !== 'all' && isOf(name) ? [name] : []));
  return { here, there: affected, toNote };
}

/**
 * Returns rules by which a tier may have been fed. A run known only from a tier's head may belong to a feeding project that has not pushed
 * the rest.
 */
async function feedsInto(
  { metadata }: Pick<RevokeEverywhereDependencies, 'metadata'>,
  tiers: ReadonlySet<Namespace | undefined>,
  signal: AbortSignal,
): Promise<readonly FeedRecord[]> {
  const feeds: FeedRecord[] = [];
  for (const tier of tiers) {
    const record = tier === undefined ? undefined : await metadata.findNamespace(tier, signal);
    if (record !== undefined) feeds.push(...(await metadata.feedsOf(record.id, signal)));
  }
  return feeds;
}

const mend = 'cachelane verify remote --repair removes damaged heads and layers';

/**
 * Makes each head, here and in the remote, what it would be without the runs. Records the revocation first, then changes local heads. If
 * the remote fails, the next push of each lane continues, or call this again. Errors: those of the remote and of the store.
 */
export async function revokeEverywhere(
  deps: RevokeEverywhereDependencies,
  { here, there, toNote }: RevocationPlans,
  who: string,
  signal: AbortSignal,
): Promise<void> {
  const { remote, clock, random } = deps;
  const revocations: readonly Revocation[] = here.runs.map((run) => ({ run, atMs: clock.nowMs(), by: who }));
  const by = newId('run', random.bytes(16));
  const paths = await pathsOf(deps, signal);
  const fetches =
    remote === null
      ? null
      : async (affected: AffectedHead) => await fetchFor({ ...deps, remote }, { affected, paths, by }, signal);
  const affected = await revokeHere(deps, { plan: here, revocations, by, fetchReplaced: fetches }, signal);
  if (remote === null) return;
  const remoteId = await readRemoteId(remote, signal);
  for (const { volume, head } of remoteId === null ? [] : affected) {
    const name = nameOf({ volume, head }, paths);
    if (remoteId === null || name === null || !isShared(deps.tools, volume, name)) continue;
    const place = { remoteId, volumeId: volume.id, namespaceId: volume.namespaceId, name };
    const push = { place, tool: volume.tool, run: by, onBytes: () => undefined };
    await pushHead({ ...deps, remote }, push, signal);
  }
  for (const { name } of there) await revokeThere({ ...deps, remote }, name, revocations, signal);
  for (const name of toNote) await noteThere({ ...deps, remote }, name, revocations, signal);
}

type Paths = ReadonlyMap<NamespaceId, Namespace | undefined>;

async function pathsOf(
  { metadata }: Pick<RevokeEverywhereDependencies, 'metadata'>,
  signal: AbortSignal,
): Promise<Paths> {
  return new Map((await metadata.listNamespaces(signal)).map(({ id, paths: [path] }) => [id, path]));
}

function nameOf({ volume, head }: AffectedHead, paths: Paths): HeadName | null {
  const namespace = paths.get(volume.namespaceId);
  return namespace === undefined ? null : { namespace, volume: volume.name, compat: volume.compat, lane: head.lane };
}

async function fetchFor(
  deps: RevokeEverywhereDependencies & { readonly remote: Remote },
  { affected, paths, by }: { readonly affected: AffectedHead; readonly paths: Paths; readonly by: RunId },
  signal: AbortSignal,
): Promise<FetchedLayers> {
  const { volume, head } = affected;
  const name = nameOf(affected, paths);
  if (name === null) return nothingFetched;
  const place = { volumeId: volume.id, namespaceId: volume.namespaceId, name };
  return await fetchReplaced(deps, { place, tool: volume.tool, head, by }, signal);
}
