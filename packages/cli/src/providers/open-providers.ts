import { isProviderKind, type Provider, type Providers } from '@cachelane/core';
import { readBootId } from '../home/home.ts';
import type { Host } from '../host/host.ts';
import { readUserConfig } from '../config/user-config.ts';

/** Returns the built-in providers and those of the user's modules, loaded on first use. `storeDir` is the own store. */
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
        // Allow a retry in the same engine after the file is fixed.
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
