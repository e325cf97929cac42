import { request as httpRequest } from 'node:http';
import type { Answer, Operation } from '@cachelane/api';
import { CachelaneError } from '@cachelane/core';
import { parseEngineAddress, sessionHeader, variables, type EngineAddress } from '@cachelane/protocol';

export interface EngineAccess {
  /** As in `CACHELANE_ENGINE`. */
  readonly address: string;
  /** A socket needs none. */
  readonly token: string | undefined;
  /** Of the session that it is asked in; left out: as the token says. */
  readonly session?: string;
}

/** Has an engine that is there already carry it out. Errors: E_USAGE for what is no address, E_ENGINE_GONE. */
export async function askEngine(access: EngineAccess, operation: Operation): Promise<Answer> {
  const { address: text } = access;
  const address = parseEngineAddress(text);
  if (address === undefined) {
    throw new CachelaneError('E_USAGE', `${variables.address} is no address of an engine on this machine`, {
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
    throw gone('what answers there is no engine', cause);
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
  return new CachelaneError('E_ENGINE_GONE', `the engine that ${variables.address} names does not answer: ${why}`, {
    hint: `is it still there? Without ${variables.address} the caches are opened without one`,
    retryable: true,
    cause,
  });
}
