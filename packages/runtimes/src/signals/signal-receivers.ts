import { readSignalSets, readStat } from '../system/proc.ts';
import { sendSignal } from '../system/send-signal.ts';
import { type ProcessSignal, type SignalReceiver, signalBit } from './signal-desk.ts';

/** A terminal that is gone may tell twice, its shell and then the kernel, and has no foreground any more. */
const hangup = signalBit('SIGHUP');

/** Programs that stand in for the command while its place is prepared: they still hold the signals back. */
const preparing = ['bwrap', 'env'];

function foregroundState(): 'foreground' | 'background' | 'no-terminal' {
  const stat = readStat('self');
  if (stat === null || stat.foregroundGroup === -1) return 'no-terminal';
  return stat.group === stat.foregroundGroup ? 'foreground' : 'background';
}

/**
 * A command behind bubblewrap. Its monitor is in our process group and has the held signals blocked, so a signal to the
 * group stays pending there for good: that tells the first of each kind from one that was sent to us alone. For later
 * ones of the same kind the terminal decides: who is in its foreground is signalled by it, as a group.
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
    // What the group got before the child was there did not reach it, unless the child looks after that itself.
    const group = groupGot(bit);
    return early || isHeld ? isWaiting : group;
  };
  return {
    deliver(signal, early) {
      const pid = childPid();
      if (pid === null) return false;
      // The id may be another process's by now; its parent tells.
      const isOurs = readStat(pid)?.parent === monitorPid;
      if (isOurs && !commandGot(pid, signalBit(signal), early)) sendSignal(pid, signal);
      return true;
    },
  };
}

/**
 * A command that is our own child. There is no witness, so the terminal decides: in its foreground we share what it
 * sends (TERM it never does). A hangup is told to the session's leader alone, who passes it on: we, or a shell that does
 * so to the group. By then the terminal is gone, but was there before. Called before the start: a command that has been started
 * can be quick enough to see the end of its terminal before we look. What came before the start it did not get.
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
