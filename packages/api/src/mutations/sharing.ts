import { CachelaneError, parseGrantee, type Namespace, type TrustLevel, type VolumeName } from '@cachelane/core';
import { addFeed, grantedTrust, grantVolumes, removeFeed, requireSharing, withdrawGrant } from '@cachelane/engine';
import { laneIn } from '../values/lane-in.ts';
import { feedNode, grantNode } from '../nodes/sharing-nodes.ts';
import type { ApiRequest } from '../request/request.ts';
import { keyIn, namespaceAt, namespaceIn } from '../volumes/find-volume.ts';

interface SharingArguments {
  readonly namespace?: string | null;
  readonly key?: string | null;
  readonly dryRun: boolean;
}

export interface GrantedArguments extends SharingArguments {
  readonly all: boolean;
  readonly to: string;
}

export interface GrantArguments extends GrantedArguments {
  readonly access: 'READ' | 'WRITE';
  readonly trust?: TrustLevel | null;
}

/** Grants access. Errors: E_USAGE, E_NAMESPACE, E_VOLUME; E_NOT_FOUND from a confined session for any other namespace. */
export async function grant(request: ApiRequest, args: GrantArguments): Promise<object> {
  const { world, caller, signal } = request;
  const wanted = await grantedIn(request, args);
  const trust = grantedTrust(caller.project.context, args.trust ?? null);
  const access = args.access === 'WRITE' ? 'write' : 'read';
  const asked = { ...wanted, access, trust, by: speakerOf(request) } as const;
  return grantNode((await grantVolumes(world.deps, asked, signal)).grant);
}

/** Withdraws a grant. Errors: those of {@link grant}. */
export async function withdraw(request: ApiRequest, args: GrantedArguments): Promise<readonly object[]> {
  const { world, signal } = request;
  const gone = await withdrawGrant(world.deps.metadata, await grantedIn(request, args), signal);
  return gone === null ? [] : [grantNode(gone)];
}

async function grantedIn(request: ApiRequest, args: GrantedArguments): Promise<Parameters<typeof withdrawGrant>[1]> {
  const to = parseGrantee(args.to, 'to');
  return { owner: await sharerOf(request, args), volume: volumeIn(args), to, dryRun: args.dryRun };
}

export interface FeedArguments extends SharingArguments {
  readonly from: string;
  readonly lanes: string;
}

/** Adds a feed. Errors: those of {@link grant}; E_USAGE from any confined session. */
export async function feed(request: ApiRequest, args: FeedArguments): Promise<object> {
  const { world, caller, signal } = request;
  const asked = { ...(await ruleIn(request, args)), by: speakerOf(request) };
  // Without a grant, other projects would then save into this project's volumes.
  if (caller.project.context.bounds !== undefined) {
    throw new CachelaneError('E_USAGE', 'a confined session cannot add feeds', {
      hint: 'other projects would save to this one without a grant: add the feed in a session that is not confined',
    });
  }
  return feedNode((await addFeed(world.deps, asked, signal)).feed);
}

/** Removes a feed. Errors: those of {@link grant}. */
export async function unfeed(request: ApiRequest, args: FeedArguments): Promise<readonly object[]> {
  const { world, signal } = request;
  const gone = await removeFeed(world.deps.metadata, await ruleIn(request, args), signal);
  return gone === null ? [] : [feedNode(gone)];
}

async function ruleIn(request: ApiRequest, args: FeedArguments): Promise<Parameters<typeof removeFeed>[1]> {
  const { key = null, dryRun } = args;
  const from = parseGrantee(args.from, 'from');
  const lanes = args.lanes === 'default' ? 'default' : (laneIn(args.lanes) ?? 'default');
  return { tier: await sharerOf(request, args), volume: key === null ? null : keyIn(key), from, lanes, dryRun };
}

/** Returns the namespace that shares. A confined session can name only its own. */
async function sharerOf(request: ApiRequest, { namespace }: SharingArguments): Promise<Namespace> {
  const { context } = request.caller.project;
  requireSharing(context);
  const asked = namespaceIn(namespace) ?? context.namespace;
  await namespaceAt(request, asked);
  return asked;
}

/** Returns the volume; null: all. Errors: E_USAGE. */
function volumeIn({ key = null, all }: Pick<GrantedArguments, 'key' | 'all'>): VolumeName | null {
  if ((key === null) === all) return key === null ? null : keyIn(key);
  throw new CachelaneError('E_USAGE', all ? 'key and all exclude each other' : 'no volume is named', {
    hint: 'name one with key, or all of them with all: true',
  });
}

/** Returns the author of a change. A confined session does not speak for the engine's user. */
function speakerOf({ world, caller }: ApiRequest): string {
  const { bounds, namespace } = caller.project.context;
  return bounds === undefined ? world.user : `a session confined to ${namespace}`;
}
