import { CachelaneError, type Tool } from '@cachelane/core';
import { planVolume, provideVolume, requireStored, type PlannedVolume } from '@cachelane/engine';
import type { Host } from '../host/host.ts';
import { toolEnvironmentOf, type OpenProject } from '../context/project.ts';
import { openProviders } from '../providers/open-providers.ts';
import { noFlags, providerWishes, type ProviderFlags } from '../providers/provider-wishes.ts';
import { homeOf, readStore } from '../home/store.ts';
import { parseVolumeArgument } from '../base/volume-argument.ts';
import { selectStored } from './select-stored.ts';
import { plainSelection } from './volumes.ts';

interface OneVolume {
  readonly text: string;
  readonly flags?: ProviderFlags;
  readonly tool?: string;
}

/** Returns a volume as a run here would have it. `text` is as after `run -v`; `tool` is as in {@link VolumeArgument}. Errors: those of `run -v`. */
export async function oneVolume(
  host: Host,
  project: OpenProject,
  { text, flags = noFlags, tool }: OneVolume,
): Promise<{ readonly planned: PlannedVolume; readonly tools: readonly Tool[] }> {
  const { context } = project;
  const tools = await host.pieces.loadTools();
  const environment = toolEnvironmentOf(host, project);
  const storeDir = homeOf(host);
  const providers = await providerWishes(host, { flags });
  const plain = plainSelection(project, { tools, environment, storeDir, providers });
  const asked = [{ ...parseVolumeArgument(text), tool }];
  const selection = await selectStored(host, context.namespace, { ...plain, asked });
  for (const { code, message, hint } of selection.dropped) throw new CachelaneError(code, message, { hint });
  const [selected] = selection.volumes;
  if (selected === undefined) throw new CachelaneError('E_INTERNAL', `no volume was selected for ${text}`);
  const request =
    selected.request.provider === undefined
      ? selected.request
      : await readStore(host, async ({ metadata, signal }) => {
          const deps = { metadata, tools, providers: openProviders(host, storeDir) };
          return await provideVolume(deps, { context, environment }, selected.request, signal);
        });
  const planned = planVolume(tools, context, environment, request);
  requireStored(planned);
  return { planned, tools };
}
