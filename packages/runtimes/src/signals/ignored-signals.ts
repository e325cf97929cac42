import { heldSignals, type HeldSignal } from '../chain/chain.ts';
import { parseSignalSets } from '../system/proc.ts';
import { signalBit } from './signal-desk.ts';

/**
 * Returns the ignored ones of the held signals, from a `/proc/PID/status` text or its line `SigIgn:`. A launcher reads its own before it
 * starts Node, and passes it on.
 */
export function ignoredSignals(status: string): readonly HeldSignal[] {
  const { ignored } = parseSignalSets(status);
  return heldSignals.filter((name) => (ignored & signalBit(`SIG${name}`)) !== 0n);
}
