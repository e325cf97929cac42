import type { Engine } from '../engine.ts';
import { aborted } from '../failures.ts';
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
  // As for commands of `cachelane run`; one that was inherited may be of another project.
  const { warnings: _, ...context } = await engine.context({ signal });
  await using fork =
    volumes.length === 0 ? null : await engine.attach(volumes, { lockTimeoutSeconds, samePath: true, signal });
  const env = {
    ...options.processEnv,
    ...options.env,
    ...fork?.environment,
    [contextVariable]: JSON.stringify({ endpoint: 'local', ...context }),
  };
  // Of a command without volumes they are nobody's business.
  const endsLeft = fork !== null && !leaveProcesses;
  const ended = await runChild(command, { cwd: options.cwd, stdio: options.stdio, signal, env, endsLeft });
  if (signal?.aborted === true) throw aborted(signal);
  if (ended.exitCode === 0) return { ...ended, saved: fork === null ? [] : await fork.commit() };
  await fork?.discard();
  const result = { ...ended, saved: null };
  if (allowFailure) return result;
  throw new CommandError(command, result);
}
