import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, LayerStore } from '@cachelane/core';
import { openLayerFiles } from '@cachelane/store';

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

/** Opens the layers of a home like the CLI. `images`: keep incoming layers as images. */
export function layersIn(home: string, images = false): LayerStore {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return openLayerFiles({ dir: home, bootId, clock, images: async () => await Promise.resolve(images) });
}

/** A signal that never aborts. */
export const noAbort: AbortSignal = new AbortController().signal;
