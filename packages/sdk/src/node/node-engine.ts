import type { Engine } from '../engine/engine.ts';
import type { ModuleMeta } from './package-scope.ts';
import type { CommandResult, RunOptions } from './command.ts';

/** An engine for a program in Node. */
export interface NodeEngine extends Engine {
  scope(...names: readonly string[]): this;
  /**
   * Returns a child namespace for a library, by the name in its package.json. Libraries that use the same key then have
   * different volumes.
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
   * Runs a command with volumes and saves its changes as `cachelane run` does. If it fails, only files are saved that
   * the tool always leaves complete; if a signal ends it, none. Tools find their directories by environment variables;
   * for a tool without such a setting, `variable` names one. `CACHELANE_CONTEXT` contains the session's context.
   *
   * Errors: those of `attach` and `commit`; E_COMMAND, as `CommandError`, for a command that fails or cannot be
   * started; E_ABORTED after the command and its processes were ended (SIGTERM, five seconds later SIGKILL). On Linux,
   * processes that outlive a command with volumes are ended before its changes are saved or discarded.
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
