import { join } from 'node:path';
import type { Clock, LayerStore, LeaseStore, Metadata, Mounter, Random, Runtime, Tool } from '@cachelane/core';

// The only place that knows drivers. Each is imported when it is asked for, so that a command pays for what it uses.

export interface StoreRequest {
  /** Real path of the home; it exists and is ours. */
  readonly homeDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export type MountProbe = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly mend: string };

/** The drivers behind the ports. Tests put others in their place, to make them fail or die at a chosen moment. */
export interface Pieces {
  openMetadata(request: StoreRequest): Promise<Metadata>;
  openLayers(request: StoreRequest): Promise<LayerStore>;
  openMounter(request: StoreRequest): Promise<Mounter>;
  openLeases(request: StoreRequest): Promise<LeaseStore>;
  openRuntime(): Promise<Runtime>;
  loadTools(): Promise<readonly Tool[]>;
  /** Really mounts something in the home. */
  probeMounts(homeDir: string): Promise<MountProbe>;
}

export function drivers(env: Readonly<Record<string, string | undefined>>): Pieces {
  const path = env['PATH'] ?? '';
  return {
    async openMetadata({ homeDir, random, clock, signal }) {
      const { openSqliteMetadata } = await import('@cachelane/store');
      return await openSqliteMetadata({ file: join(homeDir, 'state.db'), random, clock }, signal);
    },
    async openLayers() {
      throw new Error('not built yet');
    },
    async openMounter() {
      throw new Error('not built yet');
    },
    async openLeases() {
      throw new Error('not built yet');
    },
    async openRuntime() {
      const { processRuntime } = await import('@cachelane/runtimes');
      return processRuntime({ path });
    },
    async loadTools() {
      return (await import('@cachelane/tools')).tools;
    },
    async probeMounts(homeDir) {
      const { probeOverlay } = await import('@cachelane/runtimes');
      return await probeOverlay({ home: homeDir, path });
    },
  };
}
