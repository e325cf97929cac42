import { plural } from '../base/format.ts';
import type { Host } from './host.ts';

const progressMs = 2000;

/** A line on stderr now and then, for what takes minutes with a large store: `3 of 40 layers verified`. */
export function layerProgress({ clock, stderr }: Host, done: string): (count: number, total: number) => void {
  let saidAtMs = clock.monotonicMs();
  return (count, total) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - saidAtMs < progressMs) return;
    saidAtMs = nowMs;
    stderr.write(`cachelane: ${count} of ${plural(total, 'layer')} ${done}\n`);
  };
}
