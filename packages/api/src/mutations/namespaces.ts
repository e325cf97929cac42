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

/** Errors: E_USAGE, also from any confined session; E_CONFIG for what is no value of the key. */
export async function setPolicy(request: ApiRequest, args: SetPolicyArguments): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const { context } = caller.project;
  // What is said here takes away what others saved, sooner or later.
  requireWritable(context);
  // It would hold for lanes that the session does not write, and for the projects below, which are others.
  if (caller.client.place.isConfined) {
    throw new CachelaneError('E_USAGE', 'a confined session sets no policy', {
      hint: 'it would hold for other lanes, and for the projects below: policy in cachelane.yaml lowers what holds for its own lane',
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
      hint: `there is: ${policyKeys.join(', ')}`,
    });
  }
  if (policyRuleOf(text).scope === 'namespace') return text;
  throw new CachelaneError('E_USAGE', `${text} is about the whole store, and said in the person's own configuration`);
}

export interface CreateNamespaceArguments {
  readonly path: string;
  readonly dryRun: boolean;
}

/** Errors: E_USAGE, E_NAMESPACE. */
export async function create(request: ApiRequest, { path, dryRun }: CreateNamespaceArguments): Promise<object> {
  const { world, caller, signal } = request;
  const asked = parseNamespace(path, 'path');
  requireWritable(caller.project.context);
  // It would be told whether there is one.
  if (caller.client.place.isConfined) throw new CachelaneError('E_USAGE', 'a confined session creates no namespace');
  const { namespace, isNew } = await createNamespace(world.deps, { path: asked, dryRun }, signal);
  return { namespace, isNew };
}

export interface RenameArguments {
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
}

/** Errors: E_USAGE, E_NOT_FOUND, E_NAMESPACE. */
export async function rename(request: ApiRequest, { from, to, dryRun }: RenameArguments): Promise<object> {
  return await renameOne(request, { from: parseNamespace(from, 'from'), to: parseNamespace(to, 'to'), dryRun });
}

export interface AdoptArguments {
  readonly from?: string | null;
  readonly dryRun: boolean;
}

/** Errors: E_USAGE, E_NOT_FOUND, E_NAMESPACE. */
export async function adopt(request: ApiRequest, { from, dryRun }: AdoptArguments): Promise<object> {
  const { context } = request.caller.project;
  const source = namespaceIn(from) ?? context.localNamespace;
  if (source === context.namespace) {
    throw new CachelaneError('E_USAGE', `${source} is the namespace of this project already`, {
      hint: 'name the one whose volumes it takes with from',
    });
  }
  return await renameOne(request, { from: source, to: context.namespace, dryRun });
}

async function renameOne(request: ApiRequest, rename: RenameRequest): Promise<object> {
  const { world, caller, signal } = request;
  requireWritable(caller.project.context);
  // What a name is taken by would be told, whoever's it is; and what it is in now would not be the project's any more.
  if (caller.client.place.isConfined) {
    throw new CachelaneError('E_USAGE', 'a confined session renames nothing');
  }
  const { volumes } = await renameNamespace(world.deps.metadata, rename, signal);
  return { namespace: rename.to, volumes };
}
