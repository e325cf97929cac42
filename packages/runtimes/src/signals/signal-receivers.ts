import { readSignalSets, readStat } from '../system/proc.ts';
import { sendSignal } from '../system/send-signal.ts';
import { type ProcessSignal, type SignalReceiver, signalBit } from './signal-desk.ts';

/** After a lost terminal, the shell and then the kernel may send a hangup, and there is no foreground group any more. */
const hangup = signalBit('SIGHUP');

/** Programs that prepare the command's place; they still block the signals. */
const preparing = ['bwrap', 'env'];

function foregroundState(): 'foreground' | 'background' | 'no-terminal' {
  const stat = readStat('self');
  if (stat === null || stat.foregroundGroup === -1) return 'no-terminal';
  return stat.group === stat.foregroundGroup ? 'foreground' : 'background';
}

/**
 * A command behind bubblewrap. The monitor is in this process's group and blocks the held signals. A group signal stays pending there,
 * which distinguishes the first of each kind from a signal to this process alone. For later ones the terminal decides: it signals its
 * foreground group.
 */
export function monitoredReceiver(monitorPid: number, childPid: () => number | null): SignalReceiver {
  let seen = 0n;
  const groupGot = (bit: bigint): boolean => {
    if (((readSignalSets(monitorPid)?.pending ?? 0n) & bit) === 0n) return false;
    const isFirst = (seen & bit) === 0n;
    seen |= bit;
    return isFirst || bit === hangup || foregroundState() === 'foreground';
  };
  const commandGot = (pid: number, bit: bigint, early: boolean): boolean => {
    const sets = readSignalSets(pid);
    if (sets === null) return true;
    const isWaiting = (sets.pending & bit) !== 0n;
    const isHeld = (sets.blocked & bit) !== 0n && preparing.includes(readStat(pid)?.name ?? '');
    // A group signal from before the child did not reach it, unless the child handles that itself.
    const group = groupGot(bit);
    return early || isHeld ? isWaiting : group;
  };
  return {
    deliver(signal, early) {
      const pid = childPid();
      if (pid === null) return false;
      // The id may belong to another process by now; check the parent.
      const isOurs = readStat(pid)?.parent === monitorPid;
      if (isOurs && !commandGot(pid, signalBit(signal), early)) sendSignal(pid, signal);
      return true;
    },
  };
}

/**
 * A command that is a direct child. Without a witness the terminal decides: in its foreground the group shares its signals, except TERM. A
 * hangup goes to the session's leader, which passes it on: this process, or a shell. Call it before the start, because a fast command may
 * end with its terminal before a later check. Signals from before the start did not reach it.
 */
export function childReceiver(): (pid: number) => SignalReceiver {
  const atStart = foregroundState();
  const cameFromTerminal = (signal: ProcessSignal): boolean => {
    if (signal !== 'SIGINT' && signal !== 'SIGQUIT' && signal !== 'SIGHUP') return false;
    if (signal === 'SIGHUP' && readStat('self')?.session === process.pid) return false;
    const now = foregroundState();
    return now === 'foreground' || (signal === 'SIGHUP' && atStart !== 'no-terminal' && now === 'no-terminal');
  };
  return (pid) => ({
    deliver(signal, early) {
      if (early || !cameFromTerminal(signal)) sendSignal(pid, signal);
      return true;
    },
  });
}
