import { createWriteStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { CachelaneError, isLoopback, limits, type ImageReference } from '@cachelane/core';
import { throwIfAborted } from '../base/remote-errors.ts';

/** An object in a registry: type, digest and size. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: unknown;
}

// Not `@snyk/docker-registry-v2-client`, the maintained client on npm: it checks neither digest nor size of a layer,
// and cannot be aborted.

/** One repository of a registry, through the OCI distribution API, for anonymous readers. */
export interface Registry {
  /**
   * Returns a manifest by tag or digest. Errors: E_NOT_FOUND, E_REMOTE_GONE, E_REMOTE_DENIED, E_REMOTE_UNFIT,
   * E_OBJECT_CORRUPT.
   */
  manifest(reference: string, signal: AbortSignal): Promise<Manifest>;
  /** Writes a new, verified file, or throws. Errors: as for a manifest. */
  blob(descriptor: Descriptor, file: string, signal: AbortSignal): Promise<void>;
}

export const manifestTypes = {
  index: ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'],
  image: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'],
} as const;

const accepted = [...manifestTypes.index, ...manifestTypes.image].join(', ');
const manifestBytes = 4_194_304;
const tokenBytes = 65_536;
const redirectsAtMost = 5;

export function openRegistry({ host, repository }: Pick<ImageReference, 'host' | 'repository'>): Registry {
  const base = `${isLoopback(host) ? 'http' : 'https'}://${host}/v2/${repository}`;
  const asking = { host, token: null as string | null };

  const get = async (path: string, signal: AbortSignal): Promise<Response> => {
    const url = new URL(`${base}/${path}`);
    const first = await follow(url, asking, signal);
    if (first.status !== 401) return await answered(first, host);
    asking.token = await tokenFor(first, asking, signal);
    return await answered(await follow(url, asking, signal), host);
  };

  return {
    async manifest(reference, signal) {
      const response = await get(`manifests/${reference}`, signal);
      const mediaType = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim() ?? '';
      const bytes = await bytesOf(response, { atMost: manifestBytes, host }, signal);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (reference.startsWith('sha256:') && reference !== digest) throw corrupt(host, 'a manifest');
      return { mediaType, digest, content: parsed(bytes, host) };
    },
    async blob({ digest, sizeBytes }, file, signal) {
      const response = await get(`blobs/${digest}`, signal);
      const hash = createHash('sha256');
      const output = createWriteStream(file, { flags: 'wx', mode: 0o600 });
      const ended = finished(output);
      ended.catch(() => undefined);
      try {
        for await (const part of piecesOf(response, { atMost: sizeBytes, host }, signal)) {
          hash.update(part);
          if (!output.write(part)) await Promise.race([ended, new Promise((resolve) => output.once('drain', resolve))]);
        }
        output.end();
        await ended;
      } catch (error) {
        output.destroy();
        throw error;
      }
      if (`sha256:${hash.digest('hex')}` !== digest) throw corrupt(host, 'a layer');
    },
  };
}

interface Asking {
  readonly host: string;
  token: string | null;
}

/** Send the token only to the registry, and refuse unencrypted redirects. */
async function follow(start: URL, { host, token }: Asking, signal: AbortSignal): Promise<Response> {
  let url = start;
  for (let count = 0; count <= redirectsAtMost; count++) {
    const isOwn = url.host === start.host;
    const authorization = token !== null && isOwn ? { authorization: `Bearer ${token}` } : {};
    const response = await ask(url, { host, headers: { accept: accepted, ...authorization } }, signal);
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    url = URL.canParse(location, url) ? new URL(location, url) : url;
    requireSafe(url, host);
  }
  throw unfit(host, 'redirects too often');
}

function requireSafe({ protocol, host: to, username }: URL, host: string): void {
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(to) && isLoopback(host));
  if (!isSafe || username !== '') throw unfit(host, 'redirects to an unencrypted address');
}

interface Request {
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function ask(url: URL, { host, headers }: Request, signal: AbortSignal): Promise<Response> {
  throwIfAborted(signal);
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), limits.remoteSilenceMs);
  try {
    return await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.any([signal, silence.signal]) });
  } catch (error) {
    throwIfAborted(signal);
    throw gone(host, error);
  } finally {
    clearTimeout(timer);
  }
}

async function answered(response: Response, host: string): Promise<Response> {
  const { status } = response;
  if (status === 200) return response;
  await response.body?.cancel();
  if (status === 401 || status === 403) {
    throw new CachelaneError('E_REMOTE_DENIED', `${host} does not allow anonymous reads`, {
      hint: 'only images that need no password can be used',
    });
  }
  if (status === 404) throw new CachelaneError('E_NOT_FOUND', `${host} has no such image, or it is not public`);
  if (status === 429 || status >= 500) throw gone(host, `it answers ${status}`);
  throw unfit(host, `answers ${status}`);
}

/** Requests the token that registries give to anonymous readers. */
async function tokenFor(refused: Response, { host }: Asking, signal: AbortSignal): Promise<string> {
  const challenge = refused.headers.get('www-authenticate') ?? '';
  await refused.body?.cancel();
  const field = (name: string): string | null => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? null;
  const realm = field('realm');
  if (!/^bearer /i.test(challenge) || realm === null || !URL.canParse(realm)) return denied(host);
  const url = new URL(realm);
  requireSafe(url, host);
  for (const name of ['service', 'scope']) {
    const value = field(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  const response = await answered(await ask(url, { host, headers: {} }, signal), host);
  const said = parsed(await bytesOf(response, { atMost: tokenBytes, host }, signal), host);
  const { token, access_token: other } = said as { readonly token?: unknown; readonly access_token?: unknown };
  const found = token ?? other;
  if (typeof found === 'string' && /^[\x21-\x7e]+$/.test(found)) return found;
  throw unfit(host, 'returns no token');
}

function denied(host: string): never {
  throw new CachelaneError('E_REMOTE_DENIED', `${host} asks for a password`, {
    hint: 'only images that need no password can be used',
  });
}

interface Expected {
  readonly atMost: number;
  readonly host: string;
}

async function bytesOf(response: Response, expected: Expected, signal: AbortSignal): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of piecesOf(response, expected, signal)) parts.push(part);
  return Buffer.concat(parts);
}

async function* piecesOf(
  { body }: Response,
  { atMost, host }: Expected,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await nextOf(reader, host, signal);
      if (done) return;
      bytes += value.length;
      if (bytes > atMost) throw unfit(host, 'sends more than announced');
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function nextOf(reader: Reader, host: string, signal: AbortSignal): ReturnType<Reader['read']> {
  throwIfAborted(signal);
  const { promise: never, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('silence')), limits.remoteSilenceMs);
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([reader.read(), never]);
  } catch (error) {
    throwIfAborted(signal);
    throw gone(host, error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function parsed(bytes: Buffer, host: string): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Not JSON either.
  }
  throw unfit(host, 'does not answer like a registry');
}

/** Texts of servers and the network are not repeated. */
function gone(host: string, cause: unknown): CachelaneError {
  return new CachelaneError('E_REMOTE_GONE', `the registry ${host} cannot be reached, or does not answer`, {
    retryable: true,
    cause,
  });
}

function unfit(host: string, why: string): CachelaneError {
  return new CachelaneError('E_REMOTE_UNFIT', `the registry ${host} ${why}`);
}

function corrupt(host: string, what: string): CachelaneError {
  return new CachelaneError('E_OBJECT_CORRUPT', `the registry ${host} sent ${what} with a wrong digest`);
}
