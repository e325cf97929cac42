import type { NamespaceRecord, Namespace } from '@cachelane/core';
import type { ApiProject } from './world.ts';

/** Who asks: a program in its project. */
export interface Caller {
  readonly project: ApiProject;
  /** It sees its own project and what that reads, and is not told whether there is anything else. */
  readonly isConfined: boolean;
}

/** Any of a namespace's names may be the one that the caller knows it by. */
export function mayKnow(caller: Caller, names: readonly Namespace[]): boolean {
  if (!caller.isConfined) return true;
  const { namespace, readChain } = caller.project.context;
  const known = new Set<string>([namespace, ...readChain.map((link) => link.namespace)]);
  return names.some((name) => known.has(name));
}

/** The names of one that may not be in the store yet. */
export function namesOf(record: NamespaceRecord | undefined, asked: Namespace): readonly Namespace[] {
  return record?.paths ?? [asked];
}
