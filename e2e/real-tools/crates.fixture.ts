import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CrateRegistry extends AsyncDisposable {
  /** The URL for `registry = "sparse+…"`. */
  readonly url: string;
  /** Requested paths with the status of each answer. */
  readonly requests: string[];
}

/** Starts a sparse registry on 127.0.0.1 with version 1.0.0 of these crates. They have no dependencies. */
export async function startCrateRegistry(names: readonly string[]): Promise<CrateRegistry> {
  const crates = new Map(names.map((name) => [name, packCrate(name)]));
  const requests: string[] = [];
  const server = createServer(({ url = '', headers }, response) => {
    const body = answer(url, `http://${headers.host}`, crates);
    const etag = `"${hash('sha1', body ?? '', 'hex')}"`;
    const status = body === undefined ? 404 : headers['if-none-match'] === etag ? 304 : 200;
    requests.push(`${status} ${url}`);
    response.writeHead(status, { etag }).end(status === 200 ? body : undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/index/`,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answer(url: string, base: string, crates: ReadonlyMap<string, Uint8Array>): string | Uint8Array | undefined {
  if (url === '/index/config.json') return JSON.stringify({ dl: `${base}/crates/{crate}` });
  const name = url.slice(url.lastIndexOf('/') + 1);
  const crate = crates.get(name);
  if (crate === undefined || url === `/crates/${name}`) return crate;
  return `${JSON.stringify({ name, vers: '1.0.0', deps: [], cksum: hash('sha256', crate, 'hex'), features: {}, yanked: false })}\n`;
}

function packCrate(name: string): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'crate-'));
  const root = `${name}-1.0.0`;
  mkdirSync(join(dir, root, 'src'), { recursive: true });
  writeFileSync(join(dir, root, 'Cargo.toml'), `[package]\nname = "${name}"\nversion = "1.0.0"\nedition = "2021"\n`);
  writeFileSync(join(dir, root, 'src/lib.rs'), `pub fn ${name}() -> &'static str { "${name}" }\n`);
  execFileSync('tar', ['-czf', join(dir, 'crate'), '-C', dir, root]);
  const crate = new Uint8Array(readFileSync(join(dir, 'crate')));
  rmSync(dir, { recursive: true });
  return crate;
}
