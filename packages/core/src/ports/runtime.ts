import type { Mount } from './mount.ts';

/** Identifies the place where a command runs, so a later process can look for survivors there. */
export interface RunPlace {
  /** Opaque to the engine, and never reused. For local processes: a path that is a mount point only in that place. */
  readonly token: string;
}

export interface Survivor {
  readonly pid: number;
  /** The program's short name. Arguments are left out because they may hold secrets. */
  readonly name: string;
}

export interface RunRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** If empty, the command runs without a mount namespace. */
  readonly mounts: readonly Mount[];
  /** A file that the command and its children keep locked (flock) while any of them lives; null without mounts. */
  readonly leaseFile: string | null;
  /** Called once, early in the run, when the place is known. */
  readonly onPlace?: (place: RunPlace) => void;
}

export type CommandOutcome =
  | {
      readonly kind: 'exited';
      /** As a shell reports it: 128 + n for a command ended by signal n, 127 not found, 126 not executable. */
      readonly exitCode: number;
      /** A signal ended the command, or we were asked to stop it. Its changes are not kept. */
      readonly interrupted: boolean;
      /** The signal that we received ourselves and passed on, if any. */
      readonly receivedSignal: NodeSignal | null;
    }
  /** The mounts failed, so the command did not start. */
  | {
      readonly kind: 'not-started';
      readonly reason: string;
      /** What the user can do, if known. */
      readonly mend?: string;
    };

export type NodeSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT';

/**
 * Runs the user's command with volumes in place. The command keeps stdin, stdout, stderr, terminal, job control,
 * signals and exit code; nothing is buffered or copied.
 */
export interface Runtime {
  readonly name: string;
  run(request: RunRequest): Promise<CommandOutcome>;
  /** Returns the processes that still run in the place. */
  survivors(place: RunPlace): Promise<readonly Survivor[]>;
  /** Sends TERM, then KILL after `graceMs`. Returns the processes that remain. */
  endSurvivors(place: RunPlace, graceMs: number): Promise<readonly Survivor[]>;
}
