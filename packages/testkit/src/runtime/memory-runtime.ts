import { constants } from 'node:os';
import type { CommandOutcome, Mount, NodeSignal, RunPlace, RunRequest, Runtime, Survivor } from '@cachelane/core';

/** A process that a command leaves running. */
export interface LeftProcess {
  readonly name: string;
  /** The signal that ends it; by default `TERM`; `nothing`: it hangs in the kernel. */
  readonly endedBy?: 'TERM' | 'KILL' | 'nothing';
}

export interface MemoryCall {
  /** With mounts, whose directories come from the test's mounter. */
  readonly request: RunRequest;
  /** Starts a process that outlives the command. */
  readonly leave: (process: LeftProcess) => void;
  /** Handles a signal instead of ending by it. */
  readonly onSignal: (listener: (signal: NodeSignal) => void) => void;
}

/** The exit code, or the signal that ended it. */
export type MemoryEnd = number | { readonly signal: NodeJS.Signals };

/** Stands in for a command. A rejection means that the test is wrong. */
export type MemoryCommand = (call: MemoryCall) => MemoryEnd | Promise<MemoryEnd>;

export interface MemoryRuntimeOptions {
  /** One command for all, or commands by the name in `argv[0]`; unknown names end with 127. */
  readonly commands: MemoryCommand | Readonly<Record<string, MemoryCommand>>;
  /** Returns why these mounts cannot be made, or null. */
  readonly refuse?: (mounts: readonly Mount[]) => string | null;
}

export interface MemoryRuntime extends Runtime {
  /** All requests in order, including refused ones. */
  readonly requests: readonly RunRequest[];
  /** Sends a signal to this process, which passes it to running commands. */
  receive(signal: NodeSignal): void;
}

interface Running {
  received: NodeSignal | null;
  readonly listeners: ((signal: NodeSignal) => void)[];
  readonly ended: PromiseWithResolvers<MemoryEnd>;
}

interface Left {
  readonly token: string;
  readonly endedBy: NonNullable<LeftProcess['endedBy']>;
  readonly survivor: Survivor;
}

/** Commands are functions of the test, mounts always succeed, and time does not pass. */
export function memoryRuntime({ commands, refuse = () => null }: MemoryRuntimeOptions): MemoryRuntime {
  const requests: RunRequest[] = [];
  const running = new Set<Running>();
  let left: readonly Left[] = [];
  let nextPid = 1000;
  let nextPlace = 1;

  const commandOf = (name: string): MemoryCommand | undefined => {
    if (typeof commands === 'function') return commands;
    return Object.hasOwn(commands, name) ? commands[name] : undefined;
  };

  const runCommand = async (command: MemoryCommand, request: RunRequest, token: string): Promise<CommandOutcome> => {
    const run: Running = { received: null, listeners: [], ended: Promise.withResolvers() };
    running.add(run);
    try {
      const call: MemoryCall = {
        request,
        leave: ({ name, endedBy = 'TERM' }) => {
          left = [...left, { token, endedBy, survivor: { pid: nextPid++, name } }];
        },
        onSignal: (listener) => void run.listeners.push(listener),
      };
      return outcomeOf(await Promise.race([command(call), run.ended.promise]), run.received);
    } finally {
      running.delete(run);
    }
  };

  const survivorsOf = ({ token }: RunPlace): readonly Survivor[] =>
    left.filter((each) => each.token === token).map(({ survivor }) => survivor);

  return {
    name: 'memory',
    requests,
    async run(request) {
      requests.push(request);
      const refusal = request.mounts.length === 0 ? null : refuse(request.mounts);
      if (refusal !== null) return await Promise.resolve({ kind: 'not-started', reason: refusal });
      const command = commandOf(request.argv[0] ?? '');
      if (command === undefined) return outcomeOf(127, null);
      const token = `memory-${nextPlace++}`;
      if (request.mounts.length > 0) request.onPlace?.({ token });
      return await runCommand(command, request, token);
    },
    survivors: async (place) => await Promise.resolve(survivorsOf(place)),
    async endSurvivors(place) {
      left = left.filter(({ token, endedBy }) => token !== place.token || endedBy === 'nothing');
      return await Promise.resolve(survivorsOf(place));
    },
    receive(signal) {
      for (const run of running) {
        run.received ??= signal;
        if (run.listeners.length === 0) run.ended.resolve({ signal });
        for (const listener of run.listeners) listener(signal);
      }
    },
  };
}

function outcomeOf(end: MemoryEnd, receivedSignal: NodeSignal | null): CommandOutcome {
  const exitCode = typeof end === 'number' ? end : 128 + constants.signals[end.signal];
  const interrupted = receivedSignal !== null || (exitCode > 128 && exitCode <= 192);
  return { kind: 'exited', exitCode, interrupted, receivedSignal };
}
