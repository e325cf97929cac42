import { CachelaneError, type Tool } from '@cachelane/core';
import { planVolume, type PlannedVolume } from '@cachelane/engine';
import type { Host } from './host.ts';
import { toolEnvironmentOf, type OpenProject } from './project.ts';
import { homeOf } from './store.ts';
import { parseVolumeArgument } from './volume-argument.ts';
import { plainSelection, selectVolumes } from './volumes.ts';

/** A volume as a run here would have it, for commands that work on one. Errors: those of what is typed after `run -v`. */
export async function oneVolume(
  host: Host,
  project: OpenProject,
  text: string,
): Promise<{ readonly planned: PlannedVolume; readonly tools: readonly Tool[] }> {
  const { context } = project;
  const tools = await host.pieces.loadTools();
  const environment = toolEnvironmentOf(host, project);
  const plain = plainSelection(project, { tools, environment, storeDir: homeOf(host) });
  const selection = selectVolumes({ ...plain, asked: [parseVolumeArgument(text)] });
  for (const { code, message, hint } of selection.dropped) throw new CachelaneError(code, message, { hint });
  const [selected] = selection.volumes;
  if (selected === undefined) throw new CachelaneError('E_INTERNAL', `no volume was selected for ${text}`);
  return { planned: planVolume(tools, context, environment, selected.request), tools };
}
