import { CachelaneError } from '@cachelane/core';
import { variables } from '@cachelane/protocol';
import type { Host } from '../host.ts';
import { commandEnv } from '../run/bare.ts';
import { exitAs } from '../run/exit-as.ts';
import type { WhereToRun } from '../working-directory.ts';

export interface EngineForCommand {
  /** `http://127.0.0.1:PORT`. */
  readonly address: string;
  readonly token: string;
}

/** Runs the command with the way to the engine in its environment, and nowhere else; returns its exit code. Errors: E_COMMAND. */
export async function runUnderEngine(
  host: Host,
  {
    argv,
    where,
    engine,
  }: { readonly argv: readonly string[]; readonly where: WhereToRun; readonly engine: EngineForCommand },
): Promise<number> {
  const runtime = await host.pieces.openRuntime();
  const env = {
    ...commandEnv(host, where, null),
    [variables.address]: engine.address,
    [variables.token]: engine.token,
    [variables.otherPort]: new URL(engine.address).port,
    [variables.otherToken]: engine.token,
  };
  const outcome = await runtime.run({ argv, cwd: where.dir, env, mounts: [], leaseFile: null });
  if (outcome.kind === 'exited') return exitAs(host, outcome);
  const { reason, mend } = outcome;
  throw new CachelaneError(
    'E_COMMAND',
    `the command was not started: ${reason}`,
    mend === undefined ? {} : { hint: mend },
  );
}
