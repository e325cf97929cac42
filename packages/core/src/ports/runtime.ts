import type { Mount } from './mounter.ts';

/** Names the place a command runs in, so that a later process can ask whether anything still lives there. */
export interface RunPlace {
  /** Opaque to the engine: for local processes a path that is a mount point only there. Never names another place later. */
  readonly token: string;
}

export interface Survivor {
  readonly pid: number;
  /** The program's short name, never its arguments: those may hold secrets. */
  readonly name: string;
}

export interface RunRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Empty: run bare. */
  readonly mounts: readonly Mount[];
  /** A file that the command and what it starts keep locked (flock) while any of them lives; null when bare. */
  readonly leaseFile: string | null;
  /** Called once, before the command's own code can have written much: the place is known from here on. */
  readonly onPlace?: (place: RunPlace) => void;
}

export type CommandOutcome =
  | {
      readonly kind: 'exited';
      /** As a shell reports it: 128 + n for a command ended by signal n, 127 not found, 126 not executable. */
      readonly exitCode: number;
      /** The command ended by a signal, or we were asked to stop it: its work is not kept. */
      readonly interrupted: boolean;
      /** The signal that we received ourselves and passed on, if any. */
      readonly receivedSignal: NodeSignal | null;
    }
  /** The mounts could not be made; nothing of the command ran. */
  | {
      readonly kind: 'not-started';
      readonly reason: string;
      /** What a person can do about it, where that is plain. */
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
  /** Processes that still live in the place. */
  survivors(place: RunPlace): Promise<readonly Survivor[]>;
  /** Ends them: TERM, after `graceMs` KILL; returns those that are left. */
  endSurvivors(place: RunPlace, graceMs: number): Promise<readonly Survivor[]>;
}
