import { isCachelaneError, providerText, type Tool } from '@cachelane/core';
import { deprecations, foreseeProvided, type VolumeRequest } from '@cachelane/engine';
import type { ApiRequest } from '../request/request.ts';
import { placeOf } from '../volumes/find-volume.ts';
import { nothingAsked, type VolumeSubject } from '../volumes/volume-subject.ts';

/** Returns the provider that serves this volume to the caller's forks; null if there is none. */
export async function providerNode(
  request: ApiRequest,
  subject: VolumeSubject,
  volumeNode: (found: VolumeSubject) => object,
): Promise<object | null> {
  const { world, caller, signal } = request;
  const { context, run } = caller.project;
  const asked = requestHere(request, subject);
  const foreseen =
    asked && (await foreseeProvided(world.deps, { context, environment: run.environment }, asked, signal));
  if (asked?.provider === undefined || foreseen === null) return null;
  const { kind, problem } = foreseen;
  const found = kind === 'volume' ? foreseen.request : null;
  return {
    reference: providerText(asked.provider.ref),
    chosenBy: asked.provider.source,
    kind: kind?.toUpperCase() ?? null,
    problem,
    volume: async () => found && volumeNode(found === asked ? subject : await subjectOf(request, found)),
  };
}

/** Returns the request that a run here would make. Null if the project's file is invalid for it; attach reports that. */
function requestHere({ caller }: ApiRequest, subject: VolumeSubject): VolumeRequest | null {
  try {
    return { ...caller.project.requestFor(subject), compat: subject.compat };
  } catch (error) {
    if (isCachelaneError(error)) return null;
    throw error;
  }
}

/** Returns the volume that the provider chose. */
async function subjectOf(
  request: ApiRequest,
  { namespace, name: key, tool: name, compat, sharing, defined }: VolumeRequest,
): Promise<VolumeSubject> {
  const { world, caller } = request;
  const { context, run } = caller.project;
  const tool = world.deps.tools.find((each) => each.name === name) as Tool;
  return {
    ...nothingAsked,
    ...(await placeOf(request, namespace ?? context.namespace, key)),
    key,
    compat: { ...tool.compat(run.environment), ...compat },
    tool: name,
    sharing,
    defined,
    warnings: deprecations(defined),
  };
}
