import { randomFillSync } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Clock, NodeSignal } from '@cachelane/core';
import type { Pieces } from '../host/pieces.ts';
import type { Host, SignalSource } from '../host/host.ts';
import { descriptorOutput } from '../base/output.ts';

/** Facts that must be read in main.ts. */
export interface ProcessFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: () => string;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly pieces: Pieces;
}

export function processHost({ env, cwd, nowMs, monotonicMs, pieces }: ProcessFacts): Host {
  return {
    env,
    cwd,
    os: process.platform,
    arch: process.arch,
    effectiveUid: process.geteuid?.() ?? 0,
    nodeVersion: process.versions.node,
    program: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
    stdout: descriptorOutput(1, { isTerminal: () => isTerminal(1), throws: true }),
    stderr: descriptorOutput(2, { isTerminal: () => isTerminal(2), throws: false }),
    clock: { nowMs, monotonicMs, sleep },
    random: { bytes: kernelBytes },
    signals: processSignals,
    pieces,
  };
}

/** Reads random bytes from the kernel's file if there is one: loading Node's crypto module is slower than the rest of a short run. */
function kernelBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let fd: number;
  try {
    fd = openSync('/dev/urandom', 'r');
  } catch {
    return randomFillSync(bytes);
  }
  try {
    return readSync(fd, bytes) === count ? bytes : randomFillSync(bytes);
  } finally {
    closeSync(fd);
  }
}

const sleep: Clock['sleep'] = async (ms, signal) => {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason }));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
};

/** Ctrl-C, a supervisor's request, and a closed terminal. */
const stopSignals: readonly NodeSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const processSignals: SignalSource = {
  listen(listener) {
    for (const signal of stopSignals) process.on(signal, listener);
    return () => {
      for (const signal of stopSignals) process.off(signal, listener);
    };
  },
  dieOf(signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  },
};

/** Loading tty takes milliseconds, and most runs have no terminal. */
function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd);
  } catch {
    return false;
  }
}
