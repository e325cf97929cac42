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

/** A lane of a volume that has, or may have, a head in the remote. */
export interface SyncTarget {
  readonly planned: PlannedVolume;
  readonly link: ChainLink;
  readonly name: HeadName;
  readonly key: RemoteKey;
}

/** Whether an error of the remote fails the run. A clean-up works on local contents, so the remote never fails it. */
export function failsWithRemote({ strict, purpose }: Pick<RunCommandRequest, 'strict' | 'purpose'>): boolean {
  return strict && purpose === 'run';
}

/** Returns one clause that says why a volume stays on this machine, or null if it is synced. */
export function whyLocal({ sync, own }: PlannedVolume): string | null {
  if (sync === 'never') return 'sync never';
  return isOfThisMachine(own.namespace)
    ? `${own.namespace} is a name of this machine only; to share, take one from a git remote, cachelane.yaml or --namespace`
    : null;
}

/** Whether a namespace comes from a local path or is personal. Another machine can use the same name for something else. */
function isOfThisMachine(namespace: Namespace): boolean {
  return namespace.startsWith('local/') || namespace.startsWith('file/') || isPersonal(namespace);
}

/** Returns a namespace's name in remotes. */
export type NamesThere = (namespace: Namespace) => Namespace;

/**
 * Returns a lookup of current names. A renamed namespace uses its newest name, so that every client, also `cachelane push` without a
 * checkout, syncs the same head.
 */
export async function namesThere(metadata: Metadata, signal: AbortSignal): Promise<NamesThere> {
  const current = new Map(
    (await metadata.listNamespaces(signal)).flatMap(({ paths }) => paths.map((path) => [path, paths[0]] as const)),
  );
  return (namespace) => current.get(namespace) ?? namespace;
}

/** Whether a local lane may be shared. {@link targetToWrite} applies the same rule to a run. */
export function isShared(
  tools: readonly Tool[],
  { sync, tool }: VolumeRecord,
  { namespace, lane }: Pick<HeadName, 'namespace' | 'lane'>,
): boolean {
  const wish = sync ?? tools.find(({ name }) => name === tool)?.sync;
  return wish === 'always' && laneTrust(lane) !== 'T0' && !isOfThisMachine(namespace);
}

/** Returns the lanes that a run may read from the remote, each once. T0 lanes are never in the remote. */
export function targetsToRead(planned: readonly PlannedVolume[], names: NamesThere): readonly SyncTarget[] {
  const targets = planned
    .filter((volume) => whyLocal(volume) === null)
    .flatMap((volume) => volume.chain.map((link) => targetOf(volume, link, names)))
    .filter(({ name }) => laneTrust(name.lane) !== 'T0' && !isOfThisMachine(name.namespace));
  return [...new Map(targets.map((target) => [target.key, target])).values()];
}

/** Returns the lane that the run writes, or null if it writes none or the volume stays on this machine. */
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
