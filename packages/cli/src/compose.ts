import { join } from 'node:path';
import type {
  Clock,
  LayerStore,
  LeaseStore,
  Metadata,
  Mounters,
  Random,
  Runtime,
  SessionId,
  Tool,
} from '@cachelane/core';
import type { ExportPart } from '@cachelane/engine';
import type { ChosenWay } from './mount-way.ts';

// The only place that knows drivers. Each is imported when it is asked for, so that a command pays for what it uses.

export interface StoreRequest {
  /** Real path of the home; it exists and is ours. */
  readonly homeDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Leases that can also look for what dead sessions left. */
export interface SweepingLeases extends LeaseStore {
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly SessionId[]>;
}

type MountProbe = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly mend: string };

/** Exports as files. */
interface ExportFiles {
  /** Puts the file in place when it is whole; returns its size in bytes. */
  write(file: string, parts: AsyncIterable<ExportPart>, signal: AbortSignal): Promise<number>;
  read(file: string): AsyncIterable<ExportPart>;
  /** Whether a plain file begins as one. */
  isExport(file: string): boolean;
}

/** The drivers behind the ports. Tests put others in their place, to make them fail or die at a chosen moment. */
export interface Pieces {
  openMetadata(request: StoreRequest): Promise<Metadata>;
  openLayers(request: StoreRequest): Promise<LayerStore>;
  openMounters(request: StoreRequest): Promise<Mounters>;
  openLeases(request: StoreRequest): Promise<SweepingLeases>;
  openRuntime(): Promise<Runtime>;
  openExportFiles(): Promise<ExportFiles>;
  loadTools(): Promise<readonly Tool[]>;
  /** Really mounts something in the home, in the way that runs do. */
  probeMounts(homeDir: string): Promise<MountProbe>;
  /** What makes the mounts of a run. */
  mountWay(): Promise<ChosenWay>;
}

/** What only whoever started Node can know. */
export interface StartFacts {
  /** The `SigIgn` mask of /proc, hexadecimal; absent where nothing was ignored, or nobody said. */
  readonly ignoredSignals?: string | undefined;
}

export function drivers(env: Readonly<Record<string, string | undefined>>, start: StartFacts = {}): Pieces {
  const path = env['PATH'] ?? '';
  let chosen: ChosenWay | undefined;
  /** Returns what decides when it is called: a run without mounts must not ask sudo anything. */
  const wayChooser = async (): Promise<() => ChosenWay> => {
    const { sudoProblem } = await import('@cachelane/runtimes');
    const { chooseMountWay } = await import('./mount-way.ts');
    return () => (chosen ??= chooseMountWay({ env, isRoot: process.geteuid?.() === 0, sudoProblem }));
  };
  return {
    async openMetadata({ homeDir, random, clock, signal }) {
      const { openSqliteMetadata } = await import('@cachelane/store');
      return await openSqliteMetadata({ file: join(homeDir, 'state.db'), random, clock }, signal);
    },
    async openLayers({ homeDir, bootId, clock }) {
      const { openLayerFiles } = await import('@cachelane/store');
      return openLayerFiles({ dir: homeDir, bootId, clock });
    },
    async openMounters({ homeDir: dir, bootId }) {
      const { openMounters } = await import('@cachelane/store');
      return openMounters({ dir, bootId, ...sharedSave(env) });
    },
    async openLeases({ homeDir }) {
      const { openLeaseStore } = await import('@cachelane/store');
      return openLeaseStore({ sessionsDir: join(homeDir, 'sessions') });
    },
    async openRuntime() {
      const { ignoredSignals, processRuntime } = await import('@cachelane/runtimes');
      const ignored = ignoredSignals(`SigIgn:\t${start.ignoredSignals ?? '0'}`);
      const choose = await wayChooser();
      return processRuntime({ path, ignored, mountWith: () => choose().way });
    },
    async openExportFiles() {
      const { isBundle, readBundle, writeBundle } = await import('@cachelane/store');
      const { manifestName } = await import('@cachelane/engine');
      return { write: writeBundle, read: readBundle, isExport: (file) => isBundle(file, manifestName) };
    },
    async loadTools() {
      return (await import('@cachelane/tools')).tools;
    },
    async probeMounts(homeDir) {
      const { probeOverlay } = await import('@cachelane/runtimes');
      return await probeOverlay({ home: homeDir, path, mountWith: (await wayChooser())().way });
    },
    mountWay: async () => (await wayChooser())(),
  };
}

/** Anything but a number of seconds is no wish: a run must not fail for it. */
function sharedSave(env: Readonly<Record<string, string | undefined>>): { readonly sharedSaveMs?: number } {
  const text = env['CACHELANE_SHARED_SAVE_SECONDS'];
  return text !== undefined && /^\d{1,7}$/.test(text) ? { sharedSaveMs: Number(text) * 1000 } : {};
}
