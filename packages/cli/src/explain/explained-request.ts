import { isCachelaneError, type Context } from '@cachelane/core';
import type { VolumeRequest } from '@cachelane/engine';
import type { ReadStore } from '../home/store.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';
import { anyPath, selectVolume, type SelectionRequest } from '../volumes/volumes.ts';

interface AskedWhere {
  readonly context: Context;
  readonly selection: SelectionRequest;
  /** A stored volume without a path is an error. */
  readonly needsPlace: boolean;
}

interface ExplainedRequest {
  readonly request: VolumeRequest;
  readonly hasPlace: boolean;
}

/** Returns what to explain. A stored volume of no tool needs no path here, although a run needs one. Errors: E_VOLUME. */
export async function explainedRequest(
  { metadata, signal }: ReadStore,
  argument: VolumeArgument,
  { context, selection, needsPlace }: AskedWhere,
): Promise<ExplainedRequest> {
  try {
    return { request: selectVolume(argument, selection).request, hasPlace: true };
  } catch (error) {
    const { name, path, namespace } = argument;
    if (path !== null || needsPlace || !isCachelaneError(error, 'E_VOLUME')) throw error;
    const record = await metadata.findNamespace(namespace ?? context.namespace, signal);
    const volumes = record === undefined ? [] : await metadata.volumesOf(record.id, signal);
    const stored = volumes.find((each) => each.name === name);
    if (stored === undefined) throw error;
    // The path is never shown: each run names its own.
    const { request } = selectVolume({ ...argument, path: anyPath }, selection);
    return { request: { ...request, tool: stored.tool }, hasPlace: false };
  }
}
