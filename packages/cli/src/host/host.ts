import type { Clock, NodeSignal, Random } from '@cachelane/core';
import type { Pieces } from './pieces.ts';
import type { Output } from '../base/output.ts';

/** The world as the commands see it: the only way to the process, so that tests can stage one. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws where the directory was removed under us. */
  cwd(): string;
  readonly os: string;
  readonly arch: string;
  readonly effectiveUid: number;
  readonly nodeVersion: string;
  /** How to start this very program again: the file, and the arguments before ours. */
  readonly program: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly random: Random;
  readonly signals: SignalSource;
  readonly pieces: Pieces;
}

export interface SignalSource {
  /** Calls `listener` instead of dying; returns the way back to dying. */
  listen(listener: (signal: NodeSignal) => void): () => void;
  /** Ends this process by the signal, so that whoever started us sees what happened. */
  dieOf(signal: NodeSignal): void;
}
