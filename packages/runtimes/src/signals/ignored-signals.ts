import { heldSignals, type HeldSignal } from '../chain/chain.ts';
import { parseSignalSets } from '../system/proc.ts';
import { signalBit } from './signal-desk.ts';

/**
 * Which of the held signals a process ignores, by the text of its `/proc/PID/status` or its line `SigIgn:`. A launcher
 * that was there before Node reads its own and hands it over.
 */
export function ignoredSignals(status: string): readonly HeldSignal[] {
  const { ignored } = parseSignalSets(status);
  return heldSignals.filter((name) => (ignored & signalBit(`SIG${name}`)) !== 0n);
}
