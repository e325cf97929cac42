import {
  headKey,
  isPersonal,
  laneTrust,
  type ChainLink,
  type Context,
  type HeadName,
  type Metadata,
  type Namespace,
  type RemoteKey,
  type Tool,
  type VolumeRecord,
} from '@cachelane/core';
import type { RunCommandRequest } from '../../model/run-request.ts';
import type { PlannedVolume } from '../../model/planned-volume.ts';

/** A lane of a volume that has, or may have, a counterpart in the remote. */
export interface SyncTarget {
  readonly planned: PlannedVolume;
  readonly link: ChainLink;
  readonly name: HeadName;
  readonly key: RemoteKey;
}

/** A clean-up is about what is here: that nobody else hears of it yet is no reason against it. */
export function failsWithRemote({ strict, purpose }: Pick<RunCommandRequest, 'strict' | 'purpose'>): boolean {
  return strict && purpose === 'run';
}

/** Null: the volume is synced; else why it stays here, one clause. */
export function whyLocal({ sync, own }: PlannedVolume): string | null {
  if (sync === 'never') return 'sync never';
  return isOfThisMachine(own.namespace)
    ? `${own.namespace} is a name of this machine: what is shared needs one from a git remote, cachelane.yaml or --namespace`
    : null;
}

/** Names that come from a path: something else at the same path of another machine has the same name. A person's own tier is that of one machine. */
function isOfThisMachine(namespace: Namespace): boolean {
  return namespace.startsWith('local/') || namespace.startsWith('file/') || isPersonal(namespace);
}

/** What a namespace is called in remotes. */
export type NamesThere = (namespace: Namespace) => Namespace;

/**
 * Of a namespace that was renamed the name that it has now, whichever one a checkout still goes by: whoever syncs a head has to mean the same counterpart,
 * also `cachelane push`, which knows no checkout.
 */
export async function namesThere(metadata: Metadata, signal: AbortSignal): Promise<NamesThere> {
  const current = new Map(
    (await metadata.listNamespaces(signal)).flatMap(({ paths }) => paths.map((path) => [path, paths[0]] as const)),
  );
  return (namespace) => current.get(namespace) ?? namespace;
}

/** Whether a lane that is here is one that is shared, whoever wrote it: what {@link targetToWrite} decides for a run. */
export function isShared(
  tools: readonly Tool[],
  { sync, tool }: VolumeRecord,
  { namespace, lane }: Pick<HeadName, 'namespace' | 'lane'>,
): boolean {
  const wish = sync ?? tools.find(({ name }) => name === tool)?.sync;
  return wish === 'always' && laneTrust(lane) !== 'T0' && !isOfThisMachine(namespace);
}

/** What a run may read of the remote, each lane once. The lane of a run that nobody vouches for was never sent. */
export function targetsToRead(planned: readonly PlannedVolume[], names: NamesThere): readonly SyncTarget[] {
  const targets = planned
    .filter((volume) => whyLocal(volume) === null)
    .flatMap((volume) => volume.chain.map((link) => targetOf(volume, link, names)))
    .filter(({ name }) => laneTrust(name.lane) !== 'T0' && !isOfThisMachine(name.namespace));
  return [...new Map(targets.map((target) => [target.key, target])).values()];
}

/** The lane that the run writes; null where it writes none, or nothing of it leaves this machine. */
export function targetToWrite(context: Context, volume: PlannedVolume, names: NamesThere): SyncTarget | null {
  const { lane } = volume.own;
  if (!context.canWrite || laneTrust(lane) === 'T0' || whyLocal(volume) !== null) return null;
  const target = targetOf(volume, volume.own, names);
  return isOfThisMachine(target.name.namespace) ? null : target;
}

function targetOf(planned: PlannedVolume, link: ChainLink, names: NamesThere): SyncTarget {
  const { request, compat } = planned;
  const name: HeadName = { namespace: names(link.namespace), volume: request.name, compat, lane: link.lane };
  return { planned, link, name, key: headKey(name) };
}
