import type { Tool, VolumeRecord } from '@cachelane/core';
import { toolOf as toolAmong } from '@cachelane/engine';
import type { Host } from './host.ts';

/** Returns the tool whose rules made a volume's layers. */
export async function toolOf(host: Host, volume: VolumeRecord): Promise<Tool> {
  return toolAmong(await host.pieces.loadTools(), volume);
}
