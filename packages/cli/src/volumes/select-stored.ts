import { CachelaneError, isCachelaneError, unknownToolName, type Metadata, type Namespace } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import { readStore } from '../home/store.ts';
import { toolInFile } from './tool-in-file.ts';
import { addressText, isUnknown, selectVolumes, type Selection, type SelectionRequest } from './volumes.ts';

/** Selects volumes like {@link selectVolumes}. The error about an unknown name tells how to use a stored volume of that name. */
export async function selectStored(host: Host, namespace: Namespace, request: SelectionRequest): Promise<Selection> {
  try {
    return selectVolumes(request);
  } catch (error) {
    const unknown = request.asked.find((argument) => isUnknown(argument, request));
    if (unknown === undefined || !isCachelaneError(error, 'E_VOLUME')) throw error;
    const asked = { namespace: unknown.namespace ?? namespace, name: unknown.name };
    const tool = await readStore(host, async ({ metadata, signal }) => await storedTool(metadata, asked, signal)).catch(
      () => null,
    );
    if (tool === null) throw error;
    const address = addressText(unknown);
    if (tool === unknownToolName) {
      throw new CachelaneError('E_VOLUME', `${address} is a stored directory volume`, {
        hint: `give its path after the name: ${address}:/path`,
      });
    }
    throw new CachelaneError('E_VOLUME', `${address} is a stored volume of ${tool}`, {
      hint: toolInFile({ ...asked, tool }, namespace),
    });
  }
}

/** Returns the tool of the stored volume; null if there is none. */
async function storedTool(
  metadata: Pick<Metadata, 'findNamespace' | 'volumesOf'>,
  { namespace, name }: { readonly namespace: Namespace; readonly name: string },
  signal: AbortSignal,
): Promise<string | null> {
  const record = await metadata.findNamespace(namespace, signal);
  const volumes = record === undefined ? [] : await metadata.volumesOf(record.id, signal);
  return volumes.find((each) => each.name === name)?.tool ?? null;
}
