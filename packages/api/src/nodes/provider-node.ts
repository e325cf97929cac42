import { isCachelaneError, providerText, type Tool } from '@cachelane/core';
import { deprecations, foreseeProvided, type VolumeRequest } from '@cachelane/engine';
import type { ApiRequest } from '../request/request.ts';
import { placeOf } from '../volumes/find-volume.ts';
import { nothingAsked, type VolumeSubject } from '../volumes/volume-subject.ts';

/** What decides what a fork of the caller finds by the volume's key; null: nothing does. */
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

/** As a run here would ask for it. Null where the project's file is wrong about it, which whoever attaches it is told. */
function requestHere({ caller }: ApiRequest, subject: VolumeSubject): VolumeRequest | null {
  try {
    return { ...caller.project.requestFor(subject), compat: subject.compat };
  } catch (error) {
    if (isCachelaneError(error)) return null;
    throw error;
  }
}

/** The volume that is found instead of the one that was asked for. */
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
