import type { Remote, RunReport } from '@cachelane/core';
import { findPending, pushPending, runCommand, type EngineDependencies, type PushMode } from '@cachelane/engine';
import { openRemote, parseRemoteAddress, retrying, type OpenRemoteOptions } from '@cachelane/remotes';
import {
  contextAt,
  noAbort,
  openHomeEngine,
  random,
  realClock,
  requestAt,
  type Command,
  type HomeEngineOptions,
} from '../engine.fixture.ts';

// A machine with its own home: engine, database, layer files, leases, kept directories and remote are real.

const clock = realClock();

export interface MachineOptions extends Pick<HomeEngineOptions, 'dir'> {
  readonly address: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wraps the driver below the retries. */
  readonly interfere?: (remote: Remote) => Remote;
}

export interface Machine extends AsyncDisposable {
  readonly deps: EngineDependencies & { readonly remote: Remote };
  /** The engine's warnings, oldest first. */
  readonly warnings: readonly string[];
  /** Performs a run with the command `work`. */
  run(work: Command, push: PushMode): Promise<RunReport>;
  /** Sends everything unsent. Returns the number of heads that failed. */
  push(): Promise<number>;
}

export async function openMachine({ dir, address, env, interfere }: MachineOptions): Promise<Machine> {
  const engine = await openHomeEngine({ dir, clock });
  const options = { address: parseRemoteAddress(address), clock, random, env, ...credentialsIn(env) };
  const remote = interfere === undefined ? await openRemote(options) : await openInterfered(options, interfere);
  const deps: Machine['deps'] = { ...engine.deps, remote };
  const request = requestAt(dir, contextAt({ namespace: 'github.com/acme/web', lane: 't1:local' }));
  return {
    deps,
    warnings: engine.warnings,
    async run(work, push) {
      engine.command = work;
      return (await runCommand(deps, { ...request, push })).report;
    },
    async push() {
      const pending = await findPending(deps, noAbort);
      let failed = 0;
      for (const head of pending) if ((await pushPending(deps, head, noAbort)).kind === 'failed') failed++;
      return failed;
    },
    async [Symbol.asyncDispose]() {
      await remote[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Returns the credentials. The AWS SDK would take them from the environment of the test process. */
function credentialsIn(env: MachineOptions['env']): Pick<OpenRemoteOptions, 'credentials'> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId === undefined || secretAccessKey === undefined) return {};
  return { credentials: { accessKeyId, secretAccessKey } };
}

async function openInterfered(options: OpenRemoteOptions, interfere: (remote: Remote) => Remote): Promise<Remote> {
  return retrying(interfere(await openRemote({ ...options, attempts: 1 })), { clock, random });
}
