import { CachelaneError, isCachelaneError, type Context } from '@cachelane/core';
import type { VolumeRequest } from '@cachelane/engine';
import type { ReadStore } from '../home/store.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';
import { selectVolume, type SelectionRequest } from '../volumes/volumes.ts';

interface AskedWhere {
  readonly context: Context;
  readonly selection: SelectionRequest;
  readonly isConfined: boolean;
}

/** A directory of its own has its path from each run, and no store knows it: of one that is there it is not said that there is none. */
export async function explainedRequest(
  { metadata, signal }: ReadStore,
  argument: VolumeArgument,
  { context, selection, isConfined }: AskedWhere,
): Promise<VolumeRequest> {
  try {
    return selectVolume(argument, selection).request;
  } catch (error) {
    const { name, path, namespace } = argument;
    if (path !== null || isConfined || !isCachelaneError(error, 'E_VOLUME')) throw error;
    const record = await metadata.findNamespace(namespace ?? context.namespace, signal);
    const volumes = record === undefined ? [] : await metadata.volumesOf(record.id, signal);
    if (!volumes.some((each) => each.name === name)) throw error;
    const address = namespace === null ? name : `${namespace}:${name}`;
    throw new CachelaneError('E_VOLUME', `${address} is a directory whose place a run says, and no tool's`, {
      hint: `say it: cachelane explain ${address}:/path; what is stored of it: cachelane inspect ${address}`,
    });
  }
}
