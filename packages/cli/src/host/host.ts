import type { Clock, NodeSignal, Random } from '@cachelane/core';
import type { Pieces } from './pieces.ts';
import type { Output } from '../base/output.ts';

/** The commands' only access to the process, so that tests can replace it. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws if the directory was removed. */
  cwd(): string;
  readonly os: string;
  readonly arch: string;
  readonly effectiveUid: number;
  readonly nodeVersion: string;
  /** How to start this program again: the file, and the arguments before ours. */
  readonly program: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly random: Random;
  readonly signals: SignalSource;
  readonly pieces: Pieces;
}

export interface SignalSource {
  /** Calls `listener` instead of dying. Returns a function that undoes this. */
  listen(listener: (signal: NodeSignal) => void): () => void;
  /** Ends this process by the signal, so that the parent sees it. */
  dieOf(signal: NodeSignal): void;
}
