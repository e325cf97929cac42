import { isProviderKind, type Provider, type Providers } from '@cachelane/core';
import { readBootId } from '../home/home.ts';
import type { Host } from '../host/host.ts';
import { readUserConfig } from '../config/user-config.ts';

/** What a run's references may name: ours, and those of the person's modules. Nothing is looked at before one is named. `storeDir`: our own, which nobody works in. */
export function openProviders(host: Host, storeDir: string): Providers {
  let modules: Promise<readonly Provider[]> | undefined;
  return {
    async find(kind) {
      if (isProviderKind(kind)) {
        const { os, arch, clock } = host;
        const place = { storeDir, bootId: readBootId(), clock, platform: { os, arch } };
        return await host.pieces.openProvider(kind, place);
      }
      modules ??= loadModules(host).catch((error: unknown) => {
        // Whoever mends the file is not to start the engine anew for it.
        modules = undefined;
        throw error;
      });
      const found = (await modules).find((each) => each.kind === kind);
      return found === undefined ? undefined : await host.pieces.guardProvider(found, storeDir);
    },
  };
}

async function loadModules(host: Host): Promise<readonly Provider[]> {
  const config = await readUserConfig(host);
  if (config === null || config.providerModules.length === 0) return [];
  const { loadProviders } = await import('./load-modules.ts');
  return await loadProviders({
    modules: config.providerModules,
    configPath: config.path,
    effectiveUid: host.effectiveUid,
  });
}
