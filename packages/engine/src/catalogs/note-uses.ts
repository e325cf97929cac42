import { asCachelaneError, warningOf, type OpenedSession } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

interface Opening {
  readonly planned: readonly PlannedVolume[];
  readonly opened: OpenedSession;
}

/** Records uses by definition, for the catalog's publishers. A failure gives a warning only. */
export async function noteDefinitionUses(
  { metadata, clock, events }: Pick<EngineDependencies, 'metadata' | 'clock' | 'events'>,
  { planned, opened }: Opening,
  signal: AbortSignal,
): Promise<void> {
  for (const [index, { request }] of planned.entries()) {
    if (request.defined === undefined) continue;
    const { namespaceId, name, version } = request.defined.definition;
    const volumeId = opened.volumes[index]?.volume.id ?? null;
    const use = { namespaceId, definition: name, version, consumerId: opened.namespace.id, volumeId };
    try {
      await metadata.noteCatalogUse({ ...use, atMs: clock.nowMs() }, signal);
    } catch (thrown) {
      const error = asCachelaneError(thrown);
      events(warningOf(error, `the use of ${name} was not recorded: ${error.message}`));
    }
  }
}
