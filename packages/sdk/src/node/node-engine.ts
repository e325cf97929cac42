import type { Engine } from '../engine/engine.ts';
import type { ModuleMeta } from './package-scope.ts';
import type { CommandResult, RunOptions } from './command.ts';

/** An engine for a program of Node. */
export interface NodeEngine extends Engine {
  scope(...names: readonly string[]): this;
  /**
   * A library's own child namespace, by the name in its package.json: two libraries that both say `cache` do not meet.
   *
   * @example
   * ```ts
   * import type { NodeEngine } from '@cachelane/sdk/node';
   *
   * export async function build(engine: NodeEngine): Promise<void> {
   *   const own = engine.scope(import.meta);
   *   await own.run(['make'], { volumes: [{ volume: own.cacheVolume('objects'), variable: 'OBJECTS_DIR' }] });
   * }
   * ```
   */
  scope(module: ModuleMeta): this;
  /**
   * Runs a command with volumes, and saves what it changed in them as `cachelane run` does: of one that failed, only what tools leave complete whatever becomes of a command; of one that a signal ended, nothing. Tools find their directories by environment variables; where a tool has no setting
   * for that, `variable` names one. `CACHELANE_CONTEXT` has the session's context. Errors: those of `attach` and `commit`; E_COMMAND, as `CommandError`, for a command that failed or cannot be started; E_ABORTED, after the command was
   * sent SIGTERM, five seconds later SIGKILL, and has ended, and with it what it had started. On Linux, processes that outlive a command with volumes are ended before anything is saved or discarded.
   *
   * @example
   * ```ts
   * import { connect } from '@cachelane/sdk/node';
   *
   * await using engine = await connect();
   * const { saved } = await engine.run(['npm', 'ci'], { volumes: [engine.cacheVolume('npm')] });
   * for (const { key, added } of saved ?? []) console.log(`${key}: ${added} paths more`);
   * ```
   */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
}
