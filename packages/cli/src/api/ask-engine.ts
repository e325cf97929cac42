import { request as httpRequest } from 'node:http';
import type { Answer, Operation } from '@cachelane/api';
import { CachelaneError } from '@cachelane/core';
import { parseEngineAddress, sessionHeader, variables, type EngineAddress } from '@cachelane/protocol';

export interface EngineAccess {
  /** As in `CACHELANE_ENGINE`. */
  readonly address: string;
  /** Undefined for a socket. */
  readonly token: string | undefined;
  /** The session to use; undefined to use the token's. */
  readonly session?: string;
}

/** Sends an operation to a running engine. Errors: E_USAGE for an invalid address, E_ENGINE_GONE. */
export async function askEngine(access: EngineAccess, operation: Operation): Promise<Answer> {
  const { address: text } = access;
  const address = parseEngineAddress(text);
  if (address === undefined) {
    throw new CachelaneError('E_USAGE', `${variables.address} is not the address of an engine on this machine`, {
      hint: 'unix:/path, or http://127.0.0.1:PORT',
    });
  }
  let body: string;
  try {
    body = await post(address, access, JSON.stringify(operation));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw gone(why, cause);
  }
  try {
    return JSON.parse(body) as Answer;
  } catch (cause) {
    throw gone('another program answers there', cause);
  }
}

async function post(address: EngineAddress, { token, session }: EngineAccess, body: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const to = address.kind === 'socket' ? { socketPath: address.path } : { host: address.host, port: address.port };
  const sent = httpRequest(
    {
      ...to,
      method: 'POST',
      path: '/query',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(session === undefined ? {} : { [sessionHeader]: session }),
      },
    },
    (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
      response.on('error', reject);
    },
  );
  sent.on('error', reject);
  sent.end(body);
  return await promise;
}

function gone(why: string, cause: unknown): CachelaneError {
  return new CachelaneError('E_ENGINE_GONE', `the engine of ${variables.address} does not answer: ${why}`, {
    hint: `check that it still runs, or unset ${variables.address} to open the caches without an engine`,
    retryable: true,
    cause,
  });
}
