import { findEngine, type Found } from './node/find-engine.ts';
import type { NodeEngine } from './node/node-engine.ts';
import { packageScope, type ModuleMeta } from './node/package-scope.ts';
import { runCommand } from './node/run-command.ts';
import { openEngine } from './engine/open-engine.ts';
import { ownProject, type Scoping } from './volume/scoping.ts';
import type { SessionOptions } from './connection/session-options.ts';
import { placeOf } from './connection/session-place.ts';

export type { NodeEngine } from './node/node-engine.ts';
export type { ModuleMeta } from './node/package-scope.ts';
export { CommandError, type CommandResult, type RunOptions } from './node/command.ts';
export type { LeftProcess } from './node/left-processes.ts';

export interface ConnectOptions extends SessionOptions {
  /**
   * `unix:/path` or `http://127.0.0.1:PORT`. The default is `CACHELANE_ENGINE`, with the session in
   * `CACHELANE_ENGINE_SESSION` unless other options ask for another place; else the engine of the user's home.
   */
  readonly address?: string | undefined;
  /** The token of the engine at `address`. The default is `CACHELANE_ENGINE_TOKEN`. */
  readonly token?: string | undefined;
  /** The command that starts an engine if none is running. The default is `['cachelane']`. Null: starts none. */
  readonly program?: readonly string[] | null | undefined;
}

/**
 * Finds an engine, or starts one that ends with its last client, and opens a session for the working directory. Errors:
 * E_ENGINE_GONE, E_ENGINE_DENIED, E_USAGE; E_COMMAND if none can be started; and those of the project.
 *
 * @example
 * ```ts
 * import { connect } from '@cachelane/sdk/node';
 *
 * await using engine = await connect();
 * const { namespace, lane } = await engine.context();
 * console.log(`${namespace} on ${lane}`);
 * ```
 */
export async function connect(options: ConnectOptions = {}): Promise<NodeEngine> {
  const { address = null, token = null, session = null, program = ['cachelane'], signal } = options;
  const { env } = process;
  const { directory = process.cwd(), environment = env } = options;
  const inherits =
    options.directory === undefined &&
    options.namespace === undefined &&
    options.environment === undefined &&
    options.confine !== true;
  const place = placeOf({ ...options, directory, environment });
  return nodeEngine(await findEngine({ address, token, session, inherits, place, program, env, signal }));
}

function nodeEngine({ connection, address }: Found, scoping: Scoping = ownProject, isWhole = true): NodeEngine {
  const derive = (inner: Scoping): NodeEngine => nodeEngine({ connection, address }, inner, false);
  const engine = openEngine({ connection, address, scoping, isWhole }, derive);
  return {
    ...engine,
    withNamespace: (namespace) => derive({ namespace, scope: [] }),
    scope: (...names: readonly (string | ModuleMeta)[]) => {
      const inner = names.flatMap((name) => (typeof name === 'string' ? name : packageScope(name)));
      return derive({ ...scoping, scope: [...scoping.scope, ...inner] });
    },
    run: async (command, asked = {}) => await runCommand(engine, command, { ...asked, processEnv: process.env }),
  };
}
