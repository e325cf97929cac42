import type { Clock, LayerStore, LeaseStore, Metadata, Mounter, Random } from '@cachelane/core';
import { locateHome, openHome, readBootId } from './home.ts';
import type { Host } from './host.ts';

/** The home, opened: what the engine needs from outside but for runtime, tools and events. */
export interface Store extends AsyncDisposable {
  readonly homeDir: string;
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly mounter: Mounter;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly bootId: string;
}

/** Real path of the home, made where it is missing. Errors: E_HOME_OWNER, E_HOME_UNUSABLE, E_DISK_FULL. */
export function homeOf(host: Host): string {
  return openHome(locateHome(host), host);
}

/** Errors: those of the home, and of opening the metadata. */
export async function openStore(host: Host, signal: AbortSignal, homeDir: string = homeOf(host)): Promise<Store> {
  const { pieces, clock, random } = host;
  const bootId = readBootId();
  const request = { homeDir, bootId, clock, random, signal };
  const [layers, mounter, leases] = await Promise.all([
    pieces.openLayers(request),
    pieces.openMounter(request),
    pieces.openLeases(request),
  ]);
  // The last one, since it alone holds something open.
  const metadata = await pieces.openMetadata(request);
  const close = async (): Promise<void> => await metadata[Symbol.asyncDispose]();
  return { homeDir, metadata, layers, mounter, leases, clock, random, bootId, [Symbol.asyncDispose]: close };
}

/** For commands that read: nobody aborts them but the signal that ends the process. */
export async function withStore<T>(host: Host, work: (store: Store, signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  await using store = await openStore(host, signal);
  return await work(store, signal);
}
