import { Connection } from '../connection/connection.ts';
import type { Engine } from './engine.ts';
import { fetchTransport } from '../connection/fetch-transport.ts';
import { openEngine, type OpenEngineOptions } from './open-engine.ts';
import { ownProject } from '../volume/scoping.ts';
import type { SessionOptions } from '../connection/session-options.ts';
import { placeOf } from '../connection/session-place.ts';

export interface ConnectToOptions extends SessionOptions {
  /** `http://127.0.0.1:PORT`, as in `CACHELANE_ENGINE`. */
  readonly address: string;
  /** As in `CACHELANE_ENGINE_TOKEN`. */
  readonly token?: string | undefined;
  /** Replaces the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Opens a session with an engine that listens on a port. It needs only `fetch`. In Node, `connect` of
 * `@cachelane/sdk/node` also finds and starts engines. Errors: E_ENGINE_GONE, E_ENGINE_DENIED, E_USAGE, and those of
 * the project.
 *
 * @example
 * ```ts
 * import { connectTo } from '@cachelane/sdk';
 *
 * export async function sizeOf(address: string, token: string): Promise<number> {
 *   await using engine = await connectTo({ address, token });
 *   return await engine.cacheVolume('npm').sizeBytes();
 * }
 * ```
 */
export async function connectTo(options: ConnectToOptions): Promise<Engine> {
  const { address, token = null, session = null, signal } = options;
  const transport = fetchTransport(address, options.fetch);
  const connection = new Connection({ transport, token, session, place: placeOf(options) });
  try {
    await connection.open(signal);
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return engineOf({ connection, address, scoping: ownProject, isWhole: true });
}

function engineOf(options: OpenEngineOptions): Engine {
  return openEngine(options, (scoping) => engineOf({ ...options, scoping, isWhole: false }));
}
