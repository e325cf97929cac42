import type { Clock, LayerStore, Metadata, Mounters, Random, TransferFiles } from '@cachelane/core';
import type { Seeds } from '@cachelane/engine';
import type { StoreRequest, SweepingLeases } from '../host/pieces.ts';
import { locateHome, openHome, readBootId, requireNothingElse } from './home.ts';
import type { Host } from '../host/host.ts';
import { sparing, withReserve } from './reserve.ts';

/** The parts of the home that reading commands open. */
export interface ReadStore {
  readonly homeDir: string;
  readonly metadata: Metadata;
  readonly layers: () => Promise<LayerStore>;
  readonly mounters: () => Promise<Mounters>;
  readonly signal: AbortSignal;
}

/** The fully opened home: the engine's dependencies except runtime, tools and events. */
export interface Store extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly transfers: TransferFiles;
  readonly mounters: Mounters;
  readonly leases: SweepingLeases;
  readonly seeds: Seeds;
  readonly clock: Clock;
  readonly random: Random;
  readonly bootId: string;
}

/** Returns the home's real path and creates it if it is missing. Errors: E_HOME_OWNER, E_HOME_UNUSABLE, E_DISK_FULL. */
export function homeOf(host: Host): string {
  return openHome(locateHome(host), host);
}

/** Like {@link homeOf}, but creates no store in a directory with other files. */
export function homeToRead(host: Host): string {
  const homeDir = homeOf(host);
  requireNothingElse(homeDir);
  return homeDir;
}

function requestOf({ clock, random }: Host, homeDir: string, signal: AbortSignal): StoreRequest {
  return { homeDir, bootId: readBootId(), clock, random, signal };
}

/** Like {@link openStore}, for a command that frees space. It can write once on a full disk. */
export async function openSparingStore(
  host: Host,
  signal: AbortSignal,
  homeDir: string = homeOf(host),
): Promise<Store> {
  const store = await withReserve(homeDir, async () => await openStore(host, signal, homeDir));
  return { ...store, metadata: sparing(store.metadata, homeDir), [Symbol.asyncDispose]: store[Symbol.asyncDispose] };
}

/** Errors: those of the home, and of opening the metadata. */
export async function openStore(host: Host, signal: AbortSignal, homeDir: string = homeOf(host)): Promise<Store> {
  const { pieces, clock, random } = host;
  const request = requestOf(host, homeDir, signal);
  const [layers, transfers, mounters, leases, seedFiles] = await Promise.all([
    pieces.openLayers(request),
    pieces.openTransfers(request),
    pieces.openMounters(request),
    pieces.openLeases(request),
    pieces.openSeeds(request),
  ]);
  // Opened last, since only it must be closed.
  const metadata = await pieces.openMetadata(request);
  const close = async (): Promise<void> => await metadata[Symbol.asyncDispose]();
  const { bootId } = request;
  const engine = await import('@cachelane/engine');
  const seeds = new engine.Seeds(seedFiles);
  return { metadata, layers, transfers, mounters, leases, seeds, clock, random, bootId, [Symbol.asyncDispose]: close };
}

/** For commands that read. Only a signal that ends the process interrupts them. */
export async function readStore<T>(host: Host, work: (store: ReadStore) => Promise<T>): Promise<T> {
  return await withMetadata(host, async (request) => await host.pieces.openMetadata(request), work);
}

/** For a command that frees space, like {@link openSparingStore}. */
export async function sparingStore<T>(host: Host, work: (store: ReadStore) => Promise<T>): Promise<T> {
  const open = async (request: StoreRequest): Promise<Metadata> => {
    const { homeDir } = request;
    return sparing(await withReserve(homeDir, async () => await host.pieces.openMetadata(request)), homeDir);
  };
  return await withMetadata(host, open, work);
}

async function withMetadata<T>(
  host: Host,
  open: (request: StoreRequest) => Promise<Metadata>,
  work: (store: ReadStore) => Promise<T>,
): Promise<T> {
  const { signal } = new AbortController();
  const homeDir = homeToRead(host);
  const request = requestOf(host, homeDir, signal);
  await using metadata = await open(request);
  const layers = async (): Promise<LayerStore> => await host.pieces.openLayers(request);
  const mounters = async (): Promise<Mounters> => await host.pieces.openMounters(request);
  return await work({ homeDir, metadata, layers, mounters, signal });
}
