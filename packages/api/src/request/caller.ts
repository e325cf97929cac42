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

/** Who asks: a program in its project. */
export interface Caller {
  readonly project: ApiProject;
  readonly client: Client;
  /** Null: it is the engine's own project, without a session. */
  readonly token: string | null;
}

/** What the project has by what others share with it is looked up once for each request, and is part of its context from then on. */
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

/** With the parents that it has at this moment, and what a confined session is bounded by. */
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

/** A person's own file may name parents for it of which it knows nothing. */
function inputsWithin(bounds: Bounds, { inputs, parents }: Context): Context['inputs'] {
  const known = parents.filter((parent) => sharesAny(bounds, parent));
  return inputs.flatMap((input) => {
    if (input.name !== 'parents') return [input];
    return known.length === 0 ? [] : [{ ...input, value: known.join(', ') }];
  });
}

/** A namespace with all that is in it: of a confined session its own, by any of its names. */
export function mayKnow({ project }: Caller, names: readonly Namespace[]): boolean {
  const { bounds } = project.context;
  return bounds === undefined || isOwn(bounds, names);
}

/** A volume by any name of its namespace. What else is in a namespace that shares one is nothing that a confined session is told. */
export function mayKnowVolume({ project }: Caller, names: readonly Namespace[], volume: VolumeName): boolean {
  const { bounds, lane } = project.context;
  if (bounds === undefined || isOwn(bounds, names)) return true;
  return names.some((namespace) => mayReach(bounds, { namespace, volume, access: 'read', lane }));
}

/** A namespace of which the caller may know anything, if only one volume. */
export function mayKnowOf(caller: Caller, names: readonly Namespace[]): boolean {
  const { bounds } = caller.project.context;
  return (
    mayKnow(caller, names) || bounds?.granted.some(({ owner }) => names.some((name) => owner.includes(name))) === true
  );
}

/** What a namespace offers is meant for those below it, also for a confined session. Parents that the project's files name are not above it: there, anybody may be named. */
export function mayKnowOffer(caller: Caller, names: readonly Namespace[]): boolean {
  const above = caller.project.context.bounds?.own.flatMap(defaultParents) ?? [];
  return mayKnow(caller, names) || above.some((parent) => names.includes(parent));
}

/** Errors: E_USAGE. What a project reads, or saves to by a grant, is not its own: a confined session of it leaves that as it is. */
export function requireOwn(caller: Caller, names: readonly Namespace[]): void {
  if (mayKnow(caller, names)) return;
  const { namespace } = caller.project.context;
  throw new CachelaneError('E_USAGE', `a confined session changes nothing outside ${namespace}`, {
    hint: 'what it was granted it may attach',
  });
}

/** The names of one that may not be in the store yet. */
export function namesOf(record: NamespaceRecord | undefined, asked: Namespace): readonly Namespace[] {
  return record?.paths ?? [asked];
}
