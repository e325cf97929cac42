import { CachelaneError, defaultParents, isScopeOf, type NamespaceRecord, type Namespace } from '@cachelane/core';
import type { Client } from './clients.ts';
import type { ApiProject } from './world.ts';

/** Who asks: a program in its project. */
export interface Caller {
  readonly project: ApiProject;
  readonly client: Client;
  /** Null: it is the engine's own project, without a session. */
  readonly token: string | null;
}

/** Any of a namespace's names may be the one that the caller knows it by. */
export function mayKnow({ client, project }: Caller, names: readonly Namespace[]): boolean {
  if (!client.place.isConfined) return true;
  const { namespace, readChain } = project.context;
  const read = readChain.map((link) => link.namespace);
  return names.some((name) => read.includes(name)) || isOwn(namespace, names);
}

/** What a namespace offers is meant for those below it, also for a confined session. Parents that the project's files name are not above it: there, anybody may be named. */
export function mayKnowOffer(caller: Caller, names: readonly Namespace[]): boolean {
  const { namespace } = caller.project.context;
  return isOwnOf(caller, names) || defaultParents(namespace).some((parent) => names.includes(parent));
}

/** Whether it may be told who else uses what these names offer. */
export function isOwnOf({ client, project }: Caller, names: readonly Namespace[]): boolean {
  return !client.place.isConfined || isOwn(project.context.namespace, names);
}

/** A project is its namespace, and scopes in it: those of libraries that it uses. What else lies below it are other projects. */
function isOwn(project: Namespace, names: readonly Namespace[]): boolean {
  return names.some((name) => name === project || isScopeOf(project, name));
}

/** Errors: E_USAGE. What a project reads is not its own: a confined session of it leaves that as it is. */
export function requireOwn(caller: Caller, names: readonly Namespace[]): void {
  const { namespace } = caller.project.context;
  if (isOwnOf(caller, names)) return;
  throw new CachelaneError('E_USAGE', `a confined session changes nothing outside ${namespace}`, {
    hint: 'what its project reads it may attach with mode READ',
  });
}

/** The names of one that may not be in the store yet. */
export function namesOf(record: NamespaceRecord | undefined, asked: Namespace): readonly Namespace[] {
  return record?.paths ?? [asked];
}
