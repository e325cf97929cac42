import { existsSync, mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signedRequest, startFaultProxy, startRadosgw, type FaultProxy } from '@cachelane/testkit';

export interface ScratchDir extends Disposable {
  /** The real path. */
  readonly path: string;
  /** Removes an entry. */
  remove(name: string): void;
}

const roomBytes = 2 ** 31;

/** Creates a directory, in memory if possible: a killed process loses no writes, even without fsync. */
export function scratchDir(): ScratchDir {
  const path = realpathSync(mkdtempSync(join(hasRoom('/dev/shm') ? '/dev/shm' : tmpdir(), 'cachelane-sync-')));
  return {
    path,
    remove: (name) => {
      rmSync(join(path, name), { recursive: true, force: true });
    },
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function hasRoom(dir: string): boolean {
  if (!existsSync(dir)) return false;
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize > roomBytes;
}

export interface TestBucket extends AsyncDisposable {
  /** The proxy in front of the server. */
  readonly proxy: FaultProxy;
  /** The environment for access to it. */
  readonly env: Readonly<Record<string, string>>;
  address(prefix: string): string;
  /** Returns an address without the proxy. */
  directAddress(prefix: string): string;
}

export async function startBucket(): Promise<TestBucket> {
  const server = await startRadosgw();
  const proxy = await startFaultProxy(server.endpoint);
  await signedRequest({ endpoint: server.endpoint, user: server.user, method: 'PUT', path: '/shared' });
  return {
    proxy,
    env: {
      AWS_ACCESS_KEY_ID: server.user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.user.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    address: (prefix) => `s3://shared/${prefix}?endpoint=${proxy.endpoint}`,
    directAddress: (prefix) => `s3://shared/${prefix}?endpoint=${server.endpoint}`,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
