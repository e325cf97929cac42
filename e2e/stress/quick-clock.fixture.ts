import { readFileSync } from 'node:fs';
import { limits, type LayerStore, type TransferFiles } from '@cachelane/core';
import type { HomeEngine } from '../engine.fixture.ts';

/** The machine's boot id, because `cachelane` works in the same home. */
export const bootId: string = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Longer than any process works on a file without touching it. */
const graceMs = 20_000;

/**
 * Sweeps leftovers of dead processes after seconds, but not files that another process has just begun. Clocks that are days
 * ahead do not apply to file times, which come from the kernel.
 */
export function sweepingSoon<T extends Pick<HomeEngine['deps'], 'layers' | 'transfers'>>(deps: T): T {
  const layers: LayerStore = {
    ...soon(deps.layers),
    sweepImages: async (_, signal) => await deps.layers.sweepImages(earlier(), signal),
  };
  return { ...deps, layers, transfers: soon(deps.transfers) };
}

function soon<P extends Pick<LayerStore | TransferFiles, 'sweep'>>(port: P): P {
  return { ...port, sweep: async (_, signal) => await port.sweep(earlier(), signal) };
}

function earlier(): number {
  return Date.now() + limits.sweepGraceMs - graceMs;
}
