import { Connection, type SessionPlace } from './connection.ts';
import type { Engine } from './engine.ts';
import { fetchTransport } from './fetch-transport.ts';
import { openEngine } from './open-engine.ts';
import type { Scoping } from './open-volume.ts';

export interface SessionOptions {
  /** Absolute, on the engine's machine: whose project the session is of. Where the engine was started where it is left out. */
  readonly directory?: string | undefined;
  /** Instead of the project's own namespace. */
  readonly namespace?: string | undefined;
  /** The session sees its own project and what that reads, and is not told whether there is anything else. */
  readonly confine?: boolean | undefined;
  /** The token of a session that somebody else opened and keeps; directory, namespace and confine are that one's then. */
  readonly session?: string | undefined;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectToOptions extends SessionOptions {
  /** `http://127.0.0.1:PORT`, as `CACHELANE_ENGINE` has it. */
  readonly address: string;
  /** As `CACHELANE_ENGINE_TOKEN` has it. */
  readonly token?: string | undefined;
  /** Instead of that of the platform. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Opens a session with an engine that listens on a port. Uses nothing but `fetch`; programs of Node have `connect` of `@cachelane/sdk/node`, which also finds engines and starts them.
 * Errors: E_ENGINE_GONE, E_ENGINE_DENIED, E_USAGE, and those of the project.
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
  const engineAt = (scoping: Scoping, isWhole: boolean): Engine =>
    openEngine({ connection, address, scoping, isWhole }, (inner) => engineAt(inner, false));
  return engineAt({ namespace: null, scope: [] }, true);
}

export function placeOf({ directory, namespace, confine }: SessionOptions): SessionPlace {
  return { directory: directory ?? null, namespace: namespace ?? null, isConfined: confine ?? false };
}
