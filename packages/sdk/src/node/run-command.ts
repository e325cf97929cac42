import type { Engine } from '../engine/engine.ts';
import { aborted } from '../errors/failures.ts';
import { CommandError, type CommandResult, type RunOptions } from './command.ts';
import type { Environment } from './home-socket.ts';
import { requireRunnable } from './require-runnable.ts';
import { runChild } from './run-child.ts';

const contextVariable = 'CACHELANE_CONTEXT';

/** See `NodeEngine.run`. */
export async function runCommand(
  engine: Pick<Engine, 'attach' | 'context'>,
  command: readonly string[],
  options: RunOptions & { readonly processEnv: Environment },
): Promise<CommandResult> {
  requireRunnable(command);
  const { volumes = [], lockTimeoutSeconds, signal, allowFailure = false, leaveProcesses = false } = options;
  // As in `cachelane run`. An inherited variable could belong to another project.
  const { warnings: _, ...context } = await engine.context({ signal });
  await using fork =
    volumes.length === 0 ? null : await engine.attach(volumes, { lockTimeoutSeconds, samePath: true, signal });
  const env = {
    ...options.processEnv,
    ...options.env,
    ...fork?.environment,
    [contextVariable]: JSON.stringify({ endpoint: 'local', ...context }),
  };
  // Without volumes, left-over processes do not matter.
  const endsLeft = fork !== null && !leaveProcesses;
  const ended = await runChild(command, { cwd: options.cwd, stdio: options.stdio, signal, env, endsLeft });
  if (signal?.aborted === true) throw aborted(signal);
  const { exitCode } = ended;
  if (exitCode === null) await fork?.discard();
  const saved = exitCode === null ? null : ((await fork?.commit({ exitCode })) ?? []);
  const result = { ...ended, saved };
  if (exitCode === 0 || allowFailure) return result;
  throw new CommandError(command, result);
}
