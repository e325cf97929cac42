import { CachelaneError, unknownToolName, type Tool, type VolumeRecord } from '@cachelane/core';
import type { Host } from './host.ts';

/** The tool whose rules made a volume's layers; one that this version does not know is read as any directory. */
export async function toolOf(host: Host, { tool }: VolumeRecord): Promise<Tool> {
  const tools = await host.pieces.loadTools();
  const found = tools.find(({ name }) => name === tool) ?? tools.find(({ name }) => name === unknownToolName);
  if (found !== undefined) return found;
  throw new CachelaneError('E_INTERNAL', `there are no rules for ${tool}`);
}
