import {
  CachelaneError,
  compatKey,
  didYouMean,
  parseNamespace,
  parseVolumeAddress,
  type Namespace,
  type NamespaceRecord,
  type VolumeRecord,
} from '@cachelane/core';
import { byCompat } from '@cachelane/engine';
import type { Host } from '../host/host.ts';
import { openProject, type OpenProject } from './project.ts';
import type { ReadStore } from '../home/store.ts';
import { whereToRun } from '../host/working-directory.ts';

export interface VolumeQuestion {
  /** `NAME` or `NAMESPACE:NAME`. */
  readonly volume: string;
  readonly directory: string | undefined;
  readonly namespace: string | undefined;
}

export interface FoundVolume {
  readonly namespace: Namespace;
  readonly record: NamespaceRecord;
  /** One for each compat, sorted; at least one. */
  readonly variants: readonly VolumeRecord[];
}

export interface ProjectQuestion {
  readonly directory: string | undefined;
  readonly namespace: string | undefined;
}

/** Returns the project of a command. Errors: E_USAGE, E_NAMESPACE, E_CONFIG, E_LIMIT. */
export async function projectOf(host: Host, { directory, namespace }: ProjectQuestion): Promise<OpenProject> {
  return await openProject(host, {
    where: whereToRun(host, directory),
    namespace: namespace === undefined ? undefined : parseNamespace(namespace, '--namespace'),
  });
}

/** Finds a volume in the store. Errors: E_NOT_FOUND with the nearest name, and those of {@link projectOf}. */
export async function findVolume(host: Host, store: ReadStore, question: VolumeQuestion): Promise<FoundVolume> {
  const address = parseVolumeAddress(question.volume);
  const project = address.namespace === null ? await projectOf(host, question) : null;
  const namespace = address.namespace ?? project?.context.namespace;
  const record = namespace === undefined ? undefined : await store.metadata.findNamespace(namespace, store.signal);
  if (namespace === undefined || record === undefined) {
    throw await unknownNamespace(store, namespace ?? '', project);
  }
  const volumes = await store.metadata.volumesOf(record.id, store.signal);
  const variants = volumes.filter(({ name }) => name === address.name).toSorted(byCompat);
  if (variants.length > 0) return { namespace: record.paths[0] ?? namespace, record, variants };
  const guess = didYouMean(address.name, new Set(volumes.map(({ name }) => name)));
  throw new CachelaneError('E_NOT_FOUND', `${namespace} has no volume ${address.name}${guess}`, {
    hint: `see: cachelane ls -n ${namespace}`,
  });
}

async function unknownNamespace(
  store: ReadStore,
  namespace: string,
  project: OpenProject | null,
): Promise<CachelaneError> {
  const local = project?.context.localNamespace;
  const hasLocal = local !== undefined && (await store.metadata.findNamespace(local, store.signal)) !== undefined;
  const hint = hasLocal
    ? `the volumes of this directory still belong to ${local}: the next run moves them, or cachelane ns adopt`
    : 'see: cachelane ls';
  return new CachelaneError('E_NOT_FOUND', `${namespace} has no volumes yet`, { hint });
}

/** Returns `-` for a volume without compat. */
export function compatText(compat: VolumeRecord['compat']): string {
  const key = compatKey(compat);
  return key === '' ? '-' : key.replaceAll(',', ' ');
}
