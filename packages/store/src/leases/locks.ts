import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** `free`: the file is there, and nobody has it locked. */
export type LockState = 'held' | 'free' | 'missing';

/**
 * Whether a process holds SQLite's exclusive lock on the file. Looks with a shared lock, which is never in the way of
 * another one who looks; the holder has the file already and does not wait for anything. In doubt (a file that we may
 * not read) it is held: a session that is taken for alive costs space, one that is taken for dead costs work.
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
 * Whether a process holds a flock(2) lock on the file; `flock` is the program of that name, since Node has no such call.
 * The command's chain takes the lock exclusively, so a shared one is refused as long as the chain lives, and two who
 * look at the same time do not take each other for the chain. Should the chain come to lock just now, it waits for the
 * millisecond that this takes. The program gets an open descriptor and not the path: nothing is made where there is
 * no file, and the lock goes when we close it, not when the program ends.
 */
export function commandLock(flock: string): (file: string) => LockState {
  return (file) => {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'r');
    } catch {
      // No such file: no command was started. A file that we may not read: in doubt.
      return existsSync(file) ? 'held' : 'missing';
    }
    try {
      const { status } = spawnSync(flock, ['-n', '-s', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
      // 1: locked. Anything else but 0, such as a program that is not there, leaves it open.
      return status === 0 ? 'free' : 'held';
    } finally {
      closeSync(descriptor);
    }
  };
}
