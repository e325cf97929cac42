import { readFileSync } from 'node:fs';
import { limits, type LayerStore, type TransferFiles } from '@cachelane/core';
import type { HomeEngine } from '../engine.fixture.ts';

/** Of the machine: `cachelane` is at work in the same home. */
export const bootId: string = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** The longest time between two touches of used files. */
const graceMs = 20_000;

/**
 * Clocks that are days ahead say nothing of files, whose times are the kernel's: what a dead process left behind is swept when it is older than some seconds, and not what another one has begun
 * just now.
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
