import {
  CachelaneError,
  formatPolicyValue,
  isStatedKey,
  parseNamespace,
  parsePolicyValue,
  policyKeys,
  policyRuleOf,
  type StatedKey,
} from '@cachelane/core';
import { createNamespace, renameNamespace, requireWritable, type RenameRequest } from '@cachelane/engine';
import { policyNodes } from '../nodes/namespace-node.ts';
import type { ApiRequest } from '../request/request.ts';
import { namespaceIn } from '../volumes/find-volume.ts';

export interface SetPolicyArguments {
  readonly namespace?: string | null;
  readonly key: string;
  readonly value?: string | null;
}

/** Sets a policy. Errors: E_USAGE, also from any confined session; E_CONFIG for an invalid value. */
export async function setPolicy(request: ApiRequest, args: SetPolicyArguments): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  // A policy can delete what others saved.
  requireWritable(context);
  // A policy also applies to other lanes and to projects below the namespace.
  if (caller.client.place.isConfined) {
    throw new CachelaneError('E_USAGE', 'a confined session cannot set policies', {
      hint: 'a policy also applies to other lanes and to projects below; policy in cachelane.yaml can lower it for this lane',
    });
  }
  const namespace = namespaceIn(args.namespace) ?? context.namespace;
  const key = keyIn(args.key);
  const { value = null } = args;
  const text = value === null ? null : formatPolicyValue(key, parsePolicyValue(key, value));
  await world.deps.metadata.setPolicy(namespace, key, text, signal);
  return policyNodes(await world.policyOf(namespace));
}

function keyIn(text: string): StatedKey {
  if (!isStatedKey(text)) {
    throw new CachelaneError('E_USAGE', `there is no policy ${JSON.stringify(text.slice(0, 80))}`, {
      hint: `policies are: ${policyKeys.join(', ')}`,
    });
  }
  if (policyRuleOf(text).scope === 'namespace') return text;
  throw new CachelaneError('E_USAGE', `${text} applies to the whole store: set it in the user's own configuration`);
}

export interface CreateNamespaceArguments {
  readonly path: string;
  readonly dryRun: boolean;
}

/** Creates a namespace. Errors: E_USAGE, E_NAMESPACE. */
export async function create(request: ApiRequest, { path, dryRun }: CreateNamespaceArguments): Promise<object> {
  const { world, caller, signal } = request;
  const asked = parseNamespace(path, 'path');
  requireWritable(caller.project.context);
  // The answer would reveal whether the namespace exists.
  if (caller.client.place.isConfined)
    throw new CachelaneError('E_USAGE', 'a confined session cannot create namespaces');
  const { namespace, isNew } = await createNamespace(world.deps, { path: asked, dryRun }, signal);
  return { namespace, isNew };
}

export interface RenameArguments {
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
}

/** Renames a namespace. Errors: E_USAGE, E_NOT_FOUND, E_NAMESPACE. */
export async function rename(request: ApiRequest, { from, to, dryRun }: RenameArguments): Promise<object> {
  return await renameOne(request, { from: parseNamespace(from, 'from'), to: parseNamespace(to, 'to'), dryRun });
}

export interface AdoptArguments {
  readonly from?: string | null;
  readonly dryRun: boolean;
}

/** Moves the volumes of another namespace to this project. Errors: E_USAGE, E_NOT_FOUND, E_NAMESPACE. */
export async function adopt(request: ApiRequest, { from, dryRun }: AdoptArguments): Promise<object> {
  const { context } = request.caller.project;
  const source = namespaceIn(from) ?? context.localNamespace;
  if (source === context.namespace) {
    throw new CachelaneError('E_USAGE', `${source} is already the namespace of this project`, {
      hint: 'name the other namespace with from',
    });
  }
  return await renameOne(request, { from: source, to: context.namespace, dryRun });
}

async function renameOne(request: ApiRequest, rename: RenameRequest): Promise<object> {
  const { world, caller, signal } = request;
  requireWritable(caller.project.context);
  // An error would reveal whether the other name exists.
  if (caller.client.place.isConfined) {
    throw new CachelaneError('E_USAGE', 'a confined session cannot rename namespaces');
  }
  const { volumes } = await renameNamespace(world.deps.metadata, rename, signal);
  return { namespace: rename.to, volumes };
}
