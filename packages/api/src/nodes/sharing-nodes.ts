import { granteeText, isCovered, type Namespace, type VolumeName } from '@cachelane/core';
import { listFeeds, listGrants, type ListedFeed, type ListedGrant } from '@cachelane/engine';
import { mayKnow, namesOf } from '../request/caller.ts';
import type { ApiRequest } from '../request/request.ts';
import { isoTime } from '../values/iso-time.ts';
import type { VolumeSubject } from '../volumes/volume-subject.ts';

/** Returns the grants of a namespace that the caller may see. */
export async function given({ world, signal }: ApiRequest, namespace: Namespace): Promise<readonly ListedGrant[]> {
  return (await listGrants(world.deps.metadata, namespace, signal)).given;
}

export async function received({ world, signal }: ApiRequest, namespace: Namespace): Promise<readonly ListedGrant[]> {
  return (await listGrants(world.deps.metadata, namespace, signal)).received;
}

export async function feeds({ world, signal }: ApiRequest, tier: Namespace): Promise<readonly ListedFeed[]> {
  return await listFeeds(world.deps.metadata, tier, signal);
}

type OfVolume = Pick<VolumeSubject, 'namespace' | 'record' | 'key'>;

/** Returns the grants of a volume. A confined session of another project sees only grants to itself. */
export async function grantsOfVolume(request: ApiRequest, subject: OfVolume): Promise<readonly ListedGrant[]> {
  const { bounds } = request.caller.project.context;
  const all = (await given(request, subject.namespace)).filter(isOf(subject.key));
  return bounds === undefined || isCallers(request, subject) ? all : all.filter(({ to }) => isCovered(to, bounds.own));
}

export async function feedsOfVolume(request: ApiRequest, subject: OfVolume): Promise<readonly ListedFeed[]> {
  if (!isCallers(request, subject)) return [];
  return (await feeds(request, subject.namespace)).filter(isOf(subject.key));
}

function isCallers({ caller }: ApiRequest, { record, namespace }: OfVolume): boolean {
  return mayKnow(caller, namesOf(record, namespace));
}

function isOf(key: VolumeName): (said: Pick<ListedGrant, 'volume'>) => boolean {
  return ({ volume }) => volume === null || volume === key;
}

const accesses = { read: 'READ', write: 'WRITE' } as const;

export function grantNode({ owner, volume, to, access, trust, atMs, by }: ListedGrant): object {
  const at = isoTime(atMs);
  return { namespace: owner, key: volume, to: granteeText(to), access: accesses[access], trust, at, by };
}

export function feedNode({ tier, from, volume, lanes, atMs, by }: ListedFeed): object {
  return { namespace: tier, from: granteeText(from), key: volume, lanes, at: isoTime(atMs), by };
}
