import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** `free`: the file exists and no process has locked it. */
export type LockState = 'held' | 'free' | 'missing';

/**
 * Returns whether a process holds SQLite's exclusive lock on the file. Tests with a shared lock, which does not
 * disturb other tests. An unreadable file counts as held: keeping a dead session costs space, but ending a live one
 * loses work.
 */
export function clientLock(file: string): LockState {
  try {
    using connection = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    connection.prepare('SELECT 1 FROM sqlite_schema').get();
    return 'free';
  } catch {
    return existsSync(file) ? 'held' : 'missing';
  }
}

/**
 * Returns a function that tests whether a process holds a flock(2) lock, with the program `flock`: Node has no such
 * call.
 * The command holds an exclusive lock, so a shared lock fails only while the command lives, and two tests do not
 * disturb each other. A command that locks during a test waits a millisecond.
 * The program gets a descriptor instead of a path. So it cannot create the file, and the lock ends when we close
 * the descriptor.
 */
export function commandLock(flock: string): (file: string) => LockState {
  return (file) => {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'r');
    } catch {
      // Missing file: no command was started. Unreadable file: assume held.
      return existsSync(file) ? 'held' : 'missing';
    }
    try {
      const { status } = spawnSync(flock, ['-n', '-s', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
      // 1 means locked. Other failures, such as a missing program, prove nothing: assume held.
      return status === 0 ? 'free' : 'held';
    } finally {
      closeSync(descriptor);
    }
  };
}
