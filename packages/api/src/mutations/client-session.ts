import { CachelaneError } from '@cachelane/core';
import { projectNow } from '../request/caller.ts';
import { contextNode } from '../nodes/context-node.ts';
import { namespaceIn } from '../volumes/find-volume.ts';
import type { ApiRequest } from '../request/request.ts';
import type { ProjectPlace } from '../request/world.ts';
import { requireStaying } from './require-staying.ts';

/** No path is longer. */
const pathLength = 4096;

export interface OpenSessionArguments {
  readonly directory?: string | null;
  readonly namespace?: string | null;
  readonly confine: boolean;
  readonly environment?: readonly { readonly name: string; readonly value: string }[] | null;
}

/** Errors: E_ENGINE_DENIED from a confined session, which could leave its bounds by another one; E_USAGE, also where nobody names the namespace to confine it to; those of the project. */
export async function openClientSession(request: ApiRequest, args: OpenSessionArguments): Promise<object> {
  const { world, caller, clients, own } = request;
  requireStaying(request, 'the session');
  if (caller.client.place.isConfined) {
    throw new CachelaneError('E_ENGINE_DENIED', 'a confined session opens no other one', {
      hint: 'whoever opened it opens others',
    });
  }
  const directory = args.directory ?? null;
  if (directory !== null && (!directory.startsWith('/') || directory.length > pathLength)) {
    throw new CachelaneError('E_USAGE', 'directory is no absolute path', {
      hint: "give the real path on the engine's machine",
    });
  }
  const place = {
    directory: directory ?? own.directory,
    // What whoever started the engine says of the place that it was started in.
    namespace: namespaceIn(args.namespace) ?? (directory === null ? own.namespace : null),
    isConfined: args.confine,
    environment: environmentIn(args.environment),
  };
  if (place.isConfined) requireNamed(place);
  // First, so that a session of a project that cannot be opened is none.
  const project = await world.openProject(place);
  const told = await projectNow(world.deps, { project, isConfined: args.confine }, request.signal);
  const { token } = clients.open(place, project);
  return { token, context: contextNode(told), isConfined: args.confine };
}

/** The program that is confined may have written all that its directory would be called after: whose volumes it has, whoever confines it says. Errors: E_USAGE. */
function requireNamed({ namespace }: ProjectPlace): void {
  if (namespace !== null) return;
  throw new CachelaneError('E_USAGE', 'a confined session is told its namespace, and takes it from no directory', {
    hint: 'whoever opens it gives namespace: what cachelane.yaml and the git remote of its directory say, the program in it may have written',
  });
}

export async function closeClientSession({ caller, clients }: ApiRequest): Promise<boolean> {
  return caller.token !== null && (await clients.close(caller.token));
}

/** Without a prototype: a variable may have any name. */
function environmentIn(variables: OpenSessionArguments['environment']): Readonly<Record<string, string>> | null {
  if (variables === null || variables === undefined) return null;
  const environment = Object.create(null) as Record<string, string>;
  for (const { name, value } of variables) environment[name] = value;
  return environment;
}
