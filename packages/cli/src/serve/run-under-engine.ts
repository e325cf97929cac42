import { CachelaneError, isCachelaneError, type Context, type Namespace } from '@cachelane/core';
import { variables } from '@cachelane/protocol';
import type { Host } from '../host/host.ts';
import { openProject } from '../context/project.ts';
import { commandEnv } from '../run/bare.ts';
import { exitAs } from '../run/exit-as.ts';
import { settledParentsHere } from '../context/settled-parents.ts';
import type { WhereToRun } from '../host/working-directory.ts';

interface EngineForCommand {
  /** `http://127.0.0.1:PORT`. */
  readonly address: string;
  readonly token: string;
}

interface CommandUnderEngine {
  readonly argv: readonly string[];
  readonly where: WhereToRun;
  /** The caller's choice; null to use the directory's. */
  readonly namespace: Namespace | null;
  readonly engine: EngineForCommand;
}

/** Runs the command with the engine's address in its environment only, and returns its exit code. Errors: E_COMMAND. */
export async function runUnderEngine(
  host: Host,
  { argv, where, namespace, engine }: CommandUnderEngine,
): Promise<number> {
  const runtime = await host.pieces.openRuntime();
  const env: Record<string, string> = {
    ...commandEnv(host, where, await contextHere(host, where, namespace)),
    [variables.address]: engine.address,
    [variables.token]: engine.token,
    [variables.otherPort]: new URL(engine.address).port,
    [variables.otherToken]: engine.token,
  };
  // The session of another engine.
  delete env[variables.session];
  const outcome = await runtime.run({ argv, cwd: where.dir, env, mounts: [], leaseFile: null });
  if (outcome.kind === 'exited') return exitAs(host, outcome);
  const { reason, mend } = outcome;
  throw new CachelaneError(
    'E_COMMAND',
    `the command was not started: ${reason}`,
    mend === undefined ? {} : { hint: mend },
  );
}

/** Returns null if it fails. The command then gets the error from the engine. */
async function contextHere(host: Host, where: WhereToRun, namespace: Namespace | null): Promise<Context | null> {
  try {
    const project = await openProject(host, { where, namespace: namespace ?? undefined });
    return (await settledParentsHere(host, project)).context;
  } catch (error) {
    if (isCachelaneError(error)) return null;
    throw error;
  }
}
