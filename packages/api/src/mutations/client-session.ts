import { CachelaneError } from '@cachelane/core';
import { projectNow } from '../request/caller.ts';
import { contextNode } from '../nodes/context-node.ts';
import { namespaceIn } from '../volumes/find-volume.ts';
import type { ApiRequest } from '../request/request.ts';
import type { ProjectPlace } from '../request/world.ts';
import { requireStaying } from './require-staying.ts';

/** PATH_MAX of Linux. */
const pathLength = 4096;

export interface OpenSessionArguments {
  readonly directory?: string | null;
  readonly namespace?: string | null;
  readonly confine: boolean;
  readonly environment?: readonly { readonly name: string; readonly value: string }[] | null;
}

/**
 * Opens a session. Errors: E_ENGINE_DENIED from a confined session, which could otherwise leave its bounds; E_USAGE,
 * also for a confined session without a namespace; those of the project.
 */
export async function openClientSession(request: ApiRequest, args: OpenSessionArguments): Promise<object> {
  const { world, caller, clients, own } = request;
  requireStaying(request, 'the session');
  if (caller.client.place.isConfined) {
    throw new CachelaneError('E_ENGINE_DENIED', 'a confined session cannot open sessions', {
      hint: 'open it from the program that opened this session',
    });
  }
  const directory = args.directory ?? null;
  if (directory !== null && (!directory.startsWith('/') || directory.length > pathLength)) {
    throw new CachelaneError('E_USAGE', 'directory is not an absolute path', {
      hint: "give the real path on the engine's machine",
    });
  }
  const place = {
    directory: directory ?? own.directory,
    // The namespace that the engine was started with applies to its own directory only.
    namespace: namespaceIn(args.namespace) ?? (directory === null ? own.namespace : null),
    isConfined: args.confine,
    environment: environmentIn(args.environment),
  };
  if (place.isConfined) requireNamed(place);
  // The project is opened first: if that fails, no session is created.
  const project = await world.openProject(place);
  const told = await projectNow(world.deps, { project, isConfined: args.confine }, request.signal);
  const { token } = clients.open(place, project);
  return { token, context: contextNode(told), isConfined: args.confine };
}

/** Requires an explicit namespace: the confined program may have written the files that would name it. Errors: E_USAGE. */
function requireNamed({ namespace }: ProjectPlace): void {
  if (namespace !== null) return;
  throw new CachelaneError('E_USAGE', 'a confined session needs an explicit namespace', {
    hint: 'pass namespace: the program in the session may have changed cachelane.yaml and the git remote of its directory',
  });
}

export async function closeClientSession({ caller, clients }: ApiRequest): Promise<boolean> {
  return caller.token !== null && (await clients.close(caller.token));
}

/** Without a prototype, so that a variable may have any name. */
function environmentIn(variables: OpenSessionArguments['environment']): Readonly<Record<string, string>> | null {
  if (variables === null || variables === undefined) return null;
  const environment = Object.create(null) as Record<string, string>;
  for (const { name, value } of variables) environment[name] = value;
  return environment;
}
