import {
  CachelaneError,
  coveringGrantees,
  granteeText,
  isOwn,
  isPersonal,
  type Grantee,
  type GrantKey,
  type GrantRecord,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type VolumeName,
} from '@cachelane/core';
import { sharingNamespace, type SharingDependencies } from './sharing-namespace.ts';

/** A grant with the present name of its giver. */
export interface ListedGrant extends Omit<GrantRecord, 'ownerId'> {
  readonly owner: Namespace;
}

/** One grant, by the namespace's names. */
export interface GrantedTo {
  readonly owner: Namespace;
  /** Null: all its volumes. */
  readonly volume: VolumeName | null;
  readonly to: Grantee;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export type GrantRequest = GrantedTo & Pick<GrantRecord, 'access' | 'trust' | 'by'>;

export interface Granted {
  readonly grant: ListedGrant;
  /** The replaced grant; null: there was none. An equal grant is left unchanged. */
  readonly before: ListedGrant | null;
  /** The namespace was created for the grant. */
  readonly isNewOwner: boolean;
}

/** Grants volumes of a namespace and makes the namespace permanent. Errors: E_USAGE for a grant to itself. */
export async function grantVolumes(
  deps: SharingDependencies,
  { dryRun, owner: asked, ...wanted }: GrantRequest,
  signal: AbortSignal,
): Promise<Granted> {
  const { metadata, clock } = deps;
  const check = (own: readonly Namespace[]): void => requireAnother(own, wanted.to);
  const {
    record,
    namespace: owner,
    isNew: isNewOwner,
  } = await sharingNamespace(deps, { path: asked, dryRun }, { signal, check });
  const { access, trust, to } = wanted;
  const grant = { owner, ...wanted, atMs: clock.nowMs() };
  if (record === null) return { grant, before: null, isNewOwner };
  const before = await findGrant(metadata, { ownerId: record.id, volume: wanted.volume, to }, signal);
  const listed = before === null ? null : { ...before, owner };
  if (listed?.access === access && listed.trust === trust) return { grant: listed, before: listed, isNewOwner };
  if (!dryRun) {
    const { owner: _, ...stored } = grant;
    await metadata.putGrant({ ...stored, ownerId: record.id }, signal);
  }
  return { grant, before: listed, isNewOwner };
}

function requireAnother(own: readonly Namespace[], { namespace, below }: Grantee): void {
  if (isPersonal(namespace)) {
    throw new CachelaneError('E_USAGE', `no run belongs to ${namespace}, so it cannot get a grant`, {
      hint: "name a project's namespace with --to",
    });
  }
  if (below || !isOwn({ own }, [namespace])) return;
  throw new CachelaneError('E_USAGE', `${namespace} needs no grant for its own volumes`, {
    hint: `name another namespace with --to, or ${own[0] ?? namespace}/** for those below it`,
  });
}

/** Withdraws a grant; returns null if there was none. Open sessions keep reading, but save nothing more. */
export async function withdrawGrant(
  metadata: Metadata,
  { owner: asked, volume, to, dryRun }: GrantedTo,
  signal: AbortSignal,
): Promise<ListedGrant | null> {
  const record = await metadata.findNamespace(asked, signal);
  if (record === undefined) return null;
  const key = { ownerId: record.id, volume, to };
  const grant = await findGrant(metadata, key, signal);
  if (grant !== null && !dryRun) await metadata.removeGrant(key, signal);
  return grant === null ? null : { ...grant, owner: record.paths[0] ?? asked };
}

/** Returns other grants that still cover the volume for the same grantee. */
export async function grantsBeside(
  metadata: Metadata,
  { owner, volume, to }: Pick<GrantedTo, 'owner' | 'volume' | 'to'>,
  signal: AbortSignal,
): Promise<readonly ListedGrant[]> {
  const record = await metadata.findNamespace(owner, signal);
  if (record === undefined) return [];
  const covering = new Set(coveringGrantees([to.namespace]).map(granteeText));
  const beside = (await metadata.grantsOf(record.id, signal)).filter(
    (each) =>
      (each.volume === null || each.volume === volume) &&
      (each.to.below || !to.below) &&
      covering.has(granteeText(each.to)) &&
      (each.volume !== volume || granteeText(each.to) !== granteeText(to)),
  );
  return await withOwners(metadata, beside, signal);
}

async function findGrant(
  metadata: Metadata,
  { ownerId, volume, to }: GrantKey,
  signal: AbortSignal,
): Promise<GrantRecord | null> {
  const all = await metadata.grantsOf(ownerId, signal);
  return all.find((each) => each.volume === volume && granteeText(each.to) === granteeText(to)) ?? null;
}

export interface GrantsOfNamespace {
  /** Grants by this namespace. */
  readonly given: readonly ListedGrant[];
  /** Grants to this namespace. */
  readonly received: readonly ListedGrant[];
}

/** Returns the grants of a namespace by any of its names, even if the namespace does not exist. */
export async function listGrants(
  metadata: Metadata,
  namespace: Namespace,
  signal: AbortSignal,
): Promise<GrantsOfNamespace> {
  const record = await metadata.findNamespace(namespace, signal);
  const given = record === undefined ? [] : await metadata.grantsOf(record.id, signal);
  const received = await metadata.grantsTo(record?.paths ?? [namespace], signal);
  // A grant to everything below a namespace also covers the namespace.
  const ofOthers = received.filter(({ ownerId }) => ownerId !== record?.id);
  return { given: await withOwners(metadata, given, signal), received: await withOwners(metadata, ofOthers, signal) };
}

async function withOwners(
  metadata: Metadata,
  grants: readonly GrantRecord[],
  signal: AbortSignal,
): Promise<readonly ListedGrant[]> {
  const names = new Map<NamespaceId, Namespace | undefined>();
  for (const { ownerId } of grants) {
    if (!names.has(ownerId)) names.set(ownerId, (await metadata.namespace(ownerId, signal))?.paths[0]);
  }
  return grants.flatMap((grant) => {
    const owner = names.get(grant.ownerId);
    // Removed between two reads.
    return owner === undefined ? [] : [{ ...grant, owner }];
  });
}
