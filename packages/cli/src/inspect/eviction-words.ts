import type { Eviction } from '@cachelane/core';
import { formatTime } from '../base/format.ts';
import { isoTime } from '../host/print.ts';

export function evictionJson({ namespace, volume, compat, lane, policy, why, atMs }: Eviction): unknown {
  return { namespace, volume, compat, lane, policy, why, at: isoTime(atMs) };
}

/** Returns `t1:pr:12 by policy keep-pr on 2026-11-24 14:39:05Z: not used for 3d`. */
export function evictionText({ lane, policy, why, atMs }: Pick<Eviction, 'lane' | 'policy' | 'why' | 'atMs'>): string {
  return `${lane} by policy ${policy} on ${formatTime(atMs)}: ${why}`;
}
