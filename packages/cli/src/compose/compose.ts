import { type Provider, type ProviderKind, unreachable } from '@cachelane/core';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ChosenWay, MountProbe, Pieces, ProviderPlace } from '../host/pieces.ts';
import { wishOf } from '../base/wish.ts';

// The only file that knows drivers. Each one loads on first use.

const noImages = 'CACHELANE_IMAGES is off';
const imagesUnwanted: MountProbe = {
  ok: false,
  reason: noImages,
  mend: 'unset it to keep layers as images where the kernel can mount them',
};

/** Facts that only the entry point knows. */
export interface StartFacts {
  /** The `SigIgn` mask of /proc in hexadecimal; undefined if unknown or nothing is ignored. */
  readonly ignoredSignals?: string | undefined;
  /** Called with abandoned work on a file system that does not answer. */
  readonly onAbandoned?: (work: Promise<unknown>) => void;
}

export function drivers(env: Readonly<Record<string, string | undefined>>, start: StartFacts = {}): Pieces {
  const path = env['PATH'] ?? '';
  let chosen: ChosenWay | undefined;
  /** Chooses lazily: a run without mounts must not call sudo. */
  const wayChooser = async (): Promise<() => ChosenWay> => {
    const { sudoProblem } = await import('@cachelane/runtimes');
    const { chooseMountWay } = await import('./mount-way.ts');
    return () => (chosen ??= chooseMountWay({ env, isRoot: process.geteuid?.() === 0, sudoProblem }));
  };
  const wantsImages = wishOf(env['CACHELANE_IMAGES']) !== 'no';
  const probeImages = async (home: string): Promise<MountProbe> => {
    if (!wantsImages) return imagesUnwanted;
    const { canMountImages } = await import('@cachelane/runtimes');
    return await canMountImages({ home, path, mountWith: (await wayChooser())().way });
  };
  return {
    async openMetadata({ homeDir, random, clock, signal }) {
      const { openSqliteMetadata } = await import('@cachelane/store');
      return await openSqliteMetadata({ file: join(homeDir, 'state.db'), random, clock }, signal);
    },
    async openLayers({ homeDir, bootId, clock }) {
      const { openLayerFiles } = await import('@cachelane/store');
      return openLayerFiles({ dir: homeDir, bootId, clock, images: async (dir) => (await probeImages(dir)).ok });
    },
    async openTransfers({ homeDir }) {
      const { openTransferFiles } = await import('@cachelane/store');
      return openTransferFiles({ dir: homeDir });
    },
    async openMounters({ homeDir: dir, bootId }) {
      const { openMounters } = await import('@cachelane/store');
      return openMounters({ dir, bootId, ...sharedSave(env) });
    },
    async openLeases({ homeDir }) {
      const { openLeaseStore } = await import('@cachelane/store');
      return openLeaseStore({ sessionsDir: join(homeDir, 'sessions') });
    },
    async holdFile(file) {
      const { holdFile } = await import('@cachelane/store');
      return holdFile(file);
    },
    async openRuntime() {
      const { ignoredSignals, processRuntime } = await import('@cachelane/runtimes');
      const ignored = ignoredSignals(`SigIgn:\t${start.ignoredSignals ?? '0'}`);
      const choose = await wayChooser();
      return processRuntime({ path, ignored, mountWith: () => choose().way, ...(wantsImages ? {} : { noImages }) });
    },
    async openExportFiles() {
      const { isBundle, readBundle, writeBundle } = await import('@cachelane/store');
      const { manifestName } = await import('@cachelane/engine');
      return { write: writeBundle, read: readBundle, isExport: (file) => isBundle(file, manifestName) };
    },
    async openSeeds({ homeDir }) {
      const { openSeedFiles } = await import('@cachelane/store');
      return openSeedFiles({ dir: homeDir });
    },
    openProvider: async (kind, place) => await openProvider(kind, place, env),
    async sweepProvidedImages({ storeDir, bootId, clock, dryRun }) {
      const dir = imagesIn(storeDir);
      // Without images, the module is not loaded.
      if (!existsSync(dir)) return [];
      const { ImageCache } = await import('@cachelane/remotes');
      const cache = new ImageCache({ dir, bootId, nowMs: clock.nowMs() });
      return (dryRun ? cache.stale() : cache.sweep()).map((name) => `images/${name}`);
    },
    async guardProvider(provider, storeDir) {
      const { inUsableDirectory } = await import('@cachelane/runtimes');
      return inUsableDirectory(provider, storeDir);
    },
    async openImportFiles() {
      const { readArchive, readDirectory, unpackMembers } = await import('@cachelane/store');
      return { archive: readArchive, directory: readDirectory, unpack: unpackMembers };
    },
    async loadTools() {
      return (await import('@cachelane/tools')).tools;
    },
    async nameRemote(address) {
      const { formatRemoteAddress, parseRemoteAddress } = await import('@cachelane/remotes');
      return formatRemoteAddress(parseRemoteAddress(address));
    },
    async openRemote({ address, ...request }) {
      const { openRemote, parseRemoteAddress } = await import('@cachelane/remotes');
      const { onAbandoned } = start;
      const told = onAbandoned === undefined ? {} : { onAbandoned };
      return await openRemote({ ...request, ...told, address: parseRemoteAddress(address), env });
    },
    async startPush(push) {
      const { startPush } = await import('../remotes/push-process.ts');
      startPush(push);
    },
    async startCollect(collect) {
      const { startBackground } = await import('../remotes/background-process.ts');
      const { collectLog } = await import('../remotes/collect-later.ts');
      const { program, homeDir, env } = collect;
      const process = { program, homeDir, log: collectLog(homeDir) };
      if (collect.where === 'here') {
        startBackground({ ...process, env, words: ['gc', '--quiet', `--trust=${collect.trust}`] });
      } else {
        const remote = { CACHELANE_REMOTE: collect.address };
        startBackground({ ...process, env: { ...env, ...remote }, words: ['gc', '--quiet', '--remote'] });
      }
    },
    async probeMounts(homeDir) {
      const { probeOverlay } = await import('@cachelane/runtimes');
      return await probeOverlay({ home: homeDir, path, mountWith: (await wayChooser())().way });
    },
    probeImages,
    mountWay: async () => (await wayChooser())(),
  };
}

function imagesIn(storeDir: string): string {
  return join(storeDir, 'images');
}

async function openProvider(
  kind: ProviderKind,
  place: ProviderPlace,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Provider | undefined> {
  const { storeDir } = place;
  switch (kind) {
    case 'project':
      return (await import('@cachelane/engine')).projectProvider;
    case 'none':
      return (await import('@cachelane/engine')).noneProvider;
    case 'dir':
      return (await import('@cachelane/runtimes')).directoryProvider({ storeDir });
    case 'host':
      return (await import('@cachelane/runtimes')).hostProvider;
    case 'docker-volume':
      return (await import('@cachelane/runtimes')).dockerVolumeProvider({ env, storeDir });
    case 'oci': {
      const { ociProvider } = await import('@cachelane/remotes');
      const { unpackImageLayers } = await import('@cachelane/store');
      return ociProvider({ ...place, dir: imagesIn(storeDir), unpack: unpackImageLayers });
    }
    case 'catalog':
      return undefined;
    default:
      return unreachable(kind);
  }
}

/** Ignores anything but a number of seconds, so that a run does not fail. */
function sharedSave(env: Readonly<Record<string, string | undefined>>): { readonly sharedSaveMs?: number } {
  const text = env['CACHELANE_SHARED_SAVE_SECONDS'];
  return text !== undefined && /^\d{1,7}$/.test(text) ? { sharedSaveMs: Number(text) * 1000 } : {};
}
