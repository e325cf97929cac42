import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface PushedImage {
  /** Digest of its manifest. */
  readonly digest: string;
}

export interface ImageToPush {
  readonly repository: string;
  /** Left out: only by digest. */
  readonly tag?: string;
  /** As bytes on the wire, lowest first. */
  readonly layers: readonly Buffer[];
}

export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`; without TLS. */
  readonly host: string;
  push(image: ImageToPush): Promise<PushedImage>;
  /** Images by platform, such as `linux/amd64`; the empty name for an image without one. */
  pushIndex(index: {
    readonly repository: string;
    readonly tag: string;
    readonly images: Readonly<Record<string, PushedImage>>;
  }): Promise<PushedImage>;
}

/**
 * Starts a real registry (CNCF distribution) on a free port of 127.0.0.1, with its files in a temporary directory. It ends at its disposal,
 * or with the test process through its pipe.
 */
export async function startDockerRegistry(): Promise<DockerRegistry> {
  // Another process may take the port first.
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

const keeper = 'docker-registry serve "$1" & trap "kill $!" EXIT; read -r _; exit 0';

async function start(): Promise<DockerRegistry> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(dir, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${dir}/data } }\nhttp: { addr: '${host}' }\n`,
  );
  const process_ = spawn('sh', ['-c', keeper, 'registry-keeper', config], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(process_, 'close');
  const stop = async (): Promise<void> => {
    process_.stdin?.end();
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  if (!(await isUp(host))) {
    await stop();
    throw new Error('docker-registry did not start');
  }
  return {
    host,
    push: async (image) => await push(host, image),
    pushIndex: async ({ repository, tag, images }) => {
      const manifests = Object.entries(images).map(([platform, { digest }]) => {
        const [os, architecture] = platform.split('/');
        const of = platform === '' ? {} : { platform: { os, architecture } };
        return { mediaType: imageType, digest, size: sizes.get(digest) ?? 0, ...of };
      });
      const index = { schemaVersion: 2, mediaType: indexType, manifests };
      return await putManifest(host, { repository, name: tag, type: indexType, manifest: index });
    },
    [Symbol.asyncDispose]: stop,
  };
}

const imageType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
/** Sizes of pushed manifests. */
const sizes = new Map<string, number>();

async function push(host: string, { repository, tag, layers }: ImageToPush): Promise<PushedImage> {
  const config = await putBlob(host, repository, Buffer.from('{}'));
  const pushed: unknown[] = [];
  for (const layer of layers) {
    const { digest, size } = await putBlob(host, repository, layer);
    pushed.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size });
  }
  const of = { mediaType: 'application/vnd.oci.image.config.v1+json', ...config };
  const manifest = { schemaVersion: 2, mediaType: imageType, config: of, layers: pushed };
  return await putManifest(host, { repository, name: tag ?? null, type: imageType, manifest });
}

interface ManifestToPut {
  readonly repository: string;
  readonly name: string | null;
  readonly type: string;
  readonly manifest: unknown;
}

async function putManifest(host: string, { repository, name, type, manifest }: ManifestToPut): Promise<PushedImage> {
  const body = JSON.stringify(manifest);
  const digest = digestOf(Buffer.from(body));
  sizes.set(digest, body.length);
  const url = `http://${host}/v2/${repository}/manifests/${name ?? digest}`;
  await expectOk(await fetch(url, { method: 'PUT', headers: { 'content-type': type }, body }));
  return { digest };
}

async function putBlob(host: string, repository: string, bytes: Buffer): Promise<{ digest: string; size: number }> {
  const digest = digestOf(bytes);
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  await expectOk(begun);
  const url = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  url.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectOk(await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) }));
  return { digest, size: bytes.length };
}

async function expectOk(response: Response): Promise<void> {
  const said = await response.text();
  if (!response.ok) throw new Error(`the registry answers ${response.status}: ${said}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function isUp(host: string): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const response = await fetch(`http://${host}/v2/`).catch(() => null);
    await response?.text();
    if (response?.ok === true) return true;
    await pause(50);
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
