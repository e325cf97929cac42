import { setTimeout as wait } from 'node:timers/promises';
import { variables } from '@cachelane/protocol';
import { Connection } from '../connection/connection.ts';
import { CachelaneError, isCachelaneError } from '../errors/errors.ts';
import { noEngineAt } from '../errors/failures.ts';
import type { SessionPlace } from '../connection/session-place.ts';
import { homeSocket, type Environment } from './home-socket.ts';
import { httpTransport } from './http-transport.ts';
import { isOwnSocketThere } from './own-socket.ts';
import { startEngine } from './start-engine.ts';

export interface FindRequest {
  /** Null: from the environment, else the user's home. */
  readonly address: string | null;
  readonly token: string | null;
  /** Null: from the environment if the engine is, too; else opens its own. */
  readonly session: string | null;
  /** Whether the session of the environment may be used, because the program asks for no other place. */
  readonly inherits: boolean;
  readonly place: SessionPlace;
  /** Null: does not start an engine. */
  readonly program: readonly string[] | null;
  readonly env: Environment;
  readonly signal: AbortSignal | undefined;
}

export interface Found {
  readonly connection: Connection;
  readonly address: string;
}

/** How long to wait for an engine that is starting or stopping. */
const startMs = 30_000;
const pauseMs = 25;

/** Errors: E_ENGINE_GONE if there is none, E_COMMAND if none can be started, and those of `Connection.open`. */
export async function findEngine(request: FindRequest): Promise<Found> {
  const { env } = request;
  const address = request.address ?? textOf(env, variables.address);
  if (address !== null) {
    const isOfEnv = request.address === null;
    const token = request.token ?? (isOfEnv ? textOf(env, variables.token) : null);
    const isInherited = isOfEnv && request.token === null && request.inherits;
    const session = request.session ?? (isInherited ? textOf(env, variables.session) : null);
    return await connectAt(address, { ...request, token, session });
  }
  const socket = homeSocket(env);
  if (socket === null) {
    const hint = 'set CACHELANE_HOME, or HOME, to an absolute path';
    throw new CachelaneError('E_HOME_UNUSABLE', 'no home directory is set, so an engine has no place', { hint });
  }
  return await foundOrStarted(socket, request);
}

async function foundOrStarted(socket: string, request: FindRequest): Promise<Found> {
  const address = `unix:${socket}`;
  const { env, program } = request;
  const timeout = AbortSignal.timeout(startMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
  for (;;) {
    try {
      if (!isOwnSocketThere(socket)) throw noEngineAt(address);
      return await connectAt(address, request);
    } catch (error) {
      if (program === null || !isCachelaneError(error, 'E_ENGINE_GONE')) throw error;
      if (timeout.aborted) throw late(error);
    }
    try {
      await startEngine({ program, env, signal });
    } catch (error) {
      throw timeout.aborted && request.signal?.aborted !== true ? late(error) : error;
    }
    // Another engine may be starting and not listen yet, or be about to stop.
    await wait(pauseMs);
  }
}

function late(cause: unknown): CachelaneError {
  return new CachelaneError('E_ENGINE_GONE', `no engine answered within ${startMs / 1000} seconds`, {
    hint: 'see its messages with: cachelane serve',
    retryable: true,
    cause,
  });
}

async function connectAt(
  address: string,
  { token, session, place, signal }: Pick<FindRequest, 'token' | 'session' | 'place' | 'signal'>,
): Promise<Found> {
  const connection = new Connection({ transport: httpTransport(address), token, session, place });
  try {
    await connection.open(signal);
    return { connection, address };
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

function textOf(env: Environment, name: string): string | null {
  const value = env[name];
  return value === undefined || value === '' ? null : value;
}
