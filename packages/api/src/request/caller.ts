import {
  unvouchedBounds,
  CachelaneError,
  defaultParents,
  isOwn,
  linksOfAny,
  mayReach,
  sharesAny,
  type Bounds,
  type Context,
  type Namespace,
  type NamespaceRecord,
  type VolumeName,
} from '@cachelane/core';
import { boundsOf, parentsOfRun, type EngineDependencies } from '@cachelane/engine';
import type { Client } from './clients.ts';
import type { ApiProject } from './world.ts';

/** The program that asks, in its project. */
export interface Caller {
  readonly project: ApiProject;
  readonly client: Client;
  /** Null: the engine's own project, without a session. */
  readonly token: string | null;
}

/** Returns the caller with parents and bounds as they are now. Each request does this once. */
export async function callerOf(
  deps: Pick<EngineDependencies, 'metadata'>,
  caller: Caller,
  signal: AbortSignal,
): Promise<Caller> {
  const { project, client } = caller;
  const now = await projectNow(deps, { project, isConfined: client.place.isConfined }, signal);
  return now === project ? caller : { ...caller, project: now };
}

interface AskedProject {
  readonly project: ApiProject;
  readonly isConfined: boolean;
}

/** Returns the project with its current parents and, if confined, its bounds. */
export async function projectNow(
  deps: Pick<EngineDependencies, 'metadata'>,
  { project, isConfined }: AskedProject,
  signal: AbortSignal,
): Promise<ApiProject> {
  const { context, warning } = await parentsOfRun(deps, project.context, signal);
  const warnings = warning === null ? project.warnings : [...project.warnings, warning];
  const settled = context === project.context ? project : { ...project, context, warnings };
  if (!isConfined) return settled;
  const bounds = await boundsOf(deps, context.namespace, signal);
  return withinBounds(settled, context.trust === 'T0' ? unvouchedBounds(bounds) : bounds);
}

function withinBounds(project: ApiProject, bounds: Bounds): ApiProject {
  const { context } = project;
  const readChain = linksOfAny(bounds, context.readChain);
  return { ...project, context: { ...context, bounds, readChain, inputs: inputsWithin(bounds, context) } };
}

/** The user's own configuration may name parents that a confined session must not see. */
function inputsWithin(bounds: Bounds, { inputs, parents }: Context): Context['inputs'] {
  const known = parents.filter((parent) => sharesAny(bounds, parent));
  return inputs.flatMap((input) => {
    if (input.name !== 'parents') return [input];
    return known.length === 0 ? [] : [{ ...input, value: known.join(', ') }];
  });
}

/** Returns whether the caller may see all of a namespace. A confined session sees its own only. */
export function mayKnow({ project }: Caller, names: readonly Namespace[]): boolean {
  const { bounds } = project.context;
  return bounds === undefined || isOwn(bounds, names);
}

/** Returns whether the caller may see a volume. A confined session sees its own volumes and those granted to it. */
export function mayKnowVolume({ project }: Caller, names: readonly Namespace[], volume: VolumeName): boolean {
  const { bounds, lane } = project.context;
  if (bounds === undefined || isOwn(bounds, names)) return true;
  return names.some((namespace) => mayReach(bounds, { namespace, volume, access: 'read', lane }));
}

/** Returns whether the caller may see anything of a namespace, if only one volume. */
export function mayKnowOf(caller: Caller, names: readonly Namespace[]): boolean {
  const { bounds } = caller.project.context;
  return (
    mayKnow(caller, names) || bounds?.granted.some(({ owner }) => names.some((name) => owner.includes(name))) === true
  );
}

/**
 * Returns whether the caller may see a catalog. Namespaces below the publisher may; parents from project files do not
 * count, since a file can name any.
 */
export function mayKnowOffer(caller: Caller, names: readonly Namespace[]): boolean {
  const above = caller.project.context.bounds?.own.flatMap(defaultParents) ?? [];
  return mayKnow(caller, names) || above.some((parent) => names.includes(parent));
}

/** Errors: E_USAGE if a confined session would change another project. */
export function requireOwn(caller: Caller, names: readonly Namespace[]): void {
  if (mayKnow(caller, names)) return;
  const { namespace } = caller.project.context;
  throw new CachelaneError('E_USAGE', `a confined session cannot change anything outside ${namespace}`, {
    hint: 'attach the volumes that were granted to it',
  });
}

/** Returns the names of a namespace that may not be stored yet. */
export function namesOf(record: NamespaceRecord | undefined, asked: Namespace): readonly Namespace[] {
  return record?.paths ?? [asked];
}
