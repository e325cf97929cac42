import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { npmTarball } from './npm-tarball.ts';

export interface RegistryPackage {
  /** `left`, or `@scope/left`. */
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Files beside `package.json`, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface RegistryRequest {
  readonly method: string;
  /** As received, `/@scope%2fleft`. */
  readonly path: string;
  readonly status: number;
}

export interface LocalRegistryOptions {
  /** How long clients may use a manifest without asking again; npmjs.org says 300. */
  readonly maxAgeSeconds?: number;
}

export interface LocalRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/`, for `npm_config_registry`. */
  readonly url: string;
  /** All requests, in order. */
  readonly requests: readonly RegistryRequest[];
  /** Adds a version, which changes its manifest. */
  publish(...packages: readonly RegistryPackage[]): void;
  clearRequests(): void;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface Published {
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly tarball: Uint8Array;
}

const abbreviated = 'application/vnd.npm.install-v1+json';

/**
 * Starts an npm registry on 127.0.0.1 that serves these packages: full and abbreviated manifests and tarballs, with ETag and 304. Run npm
 * asynchronously, because the registry is in the test's process.
 */
export async function startLocalRegistry(
  packages: readonly RegistryPackage[] = [],
  { maxAgeSeconds = 300 }: LocalRegistryOptions = {},
): Promise<LocalRegistry> {
  const published = new Map<string, Map<string, Published>>();
  const requests: RegistryRequest[] = [];
  const server = createServer((request, response) => {
    const answer = answerTo(request, { published, maxAgeSeconds });
    requests.push({ method: request.method ?? '', path: request.url ?? '', status: answer.status });
    send(response, answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = urlOf(server.address());

  const publish = (...added: readonly RegistryPackage[]): void => {
    for (const { name, version, dependencies = {}, files = {} } of added) {
      const tarball = npmTarball({ 'package.json': JSON.stringify({ name, version, dependencies }), ...files });
      const dist = {
        tarball: `${url}${name}/-/${tarballName(name, version)}`,
        shasum: hash('sha1', tarball, 'hex'),
        integrity: `sha512-${hash('sha512', tarball, 'base64')}`,
      };
      const versions = published.get(name) ?? new Map<string, Published>();
      published.set(name, versions.set(version, { manifest: { name, version, dependencies, dist }, tarball }));
    }
  };
  publish(...packages);

  return {
    url,
    requests,
    publish,
    clearRequests() {
      requests.length = 0;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function urlOf(address: AddressInfo | string | null): string {
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/` : '';
}

function tarballName(name: string, version: string): string {
  return `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`;
}

interface Shelf {
  readonly published: ReadonlyMap<string, ReadonlyMap<string, Published>>;
  readonly maxAgeSeconds: number;
}

function answerTo(request: IncomingMessage, shelf: Shelf): Answer {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method !== 'GET') return { status: 404 };
  const [name = '', file] = decodeURIComponent(pathname).slice(1).split('/-/');
  const versions = shelf.published.get(name);
  if (versions === undefined) return { status: 404, body: '{"error":"not found"}' };
  return file === undefined
    ? manifestAnswer(request, { name, versions, maxAgeSeconds: shelf.maxAgeSeconds })
    : tarballAnswer(request, [...versions].find(([version]) => tarballName(name, version) === file)?.[1]);
}

interface Requested {
  readonly name: string;
  readonly versions: ReadonlyMap<string, Published>;
  readonly maxAgeSeconds: number;
}

function manifestAnswer(request: IncomingMessage, { name, versions, maxAgeSeconds }: Requested): Answer {
  const isAbbreviated = request.headers.accept?.includes(abbreviated) === true;
  const document = {
    name,
    'dist-tags': { latest: [...versions.keys()].at(-1) },
    versions: Object.fromEntries([...versions].map(([version, { manifest }]) => [version, manifest])),
    ...(isAbbreviated ? {} : { readme: `# ${name}` }),
  };
  return conditionalAnswer(request, JSON.stringify(document), {
    'content-type': isAbbreviated ? abbreviated : 'application/json',
    'cache-control': `public, max-age=${maxAgeSeconds}`,
    vary: 'accept',
  });
}

function tarballAnswer(request: IncomingMessage, found: Published | undefined): Answer {
  if (found === undefined) return { status: 404 };
  return conditionalAnswer(request, found.tarball, {
    'content-type': 'application/octet-stream',
    'cache-control': 'public, immutable, max-age=31557600',
  });
}

function conditionalAnswer(request: IncomingMessage, body: string | Uint8Array, plain: Answer['headers']): Answer {
  const etag = `"${hash('sha1', body, 'hex')}"`;
  const headers = { ...plain, etag };
  return request.headers['if-none-match'] === etag ? { status: 304, headers } : { status: 200, headers, body };
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}
