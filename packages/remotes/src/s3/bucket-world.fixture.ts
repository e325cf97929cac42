import type { Remote, RemoteKey } from '@cachelane/core';
import {
  damaged,
  signedRequest,
  startFaultProxy,
  startRadosgw,
  type FaultProxy,
  type HeadDamage,
  type Radosgw,
  type RemoteFactory,
} from '@cachelane/testkit';
import type { S3Address } from '../base/remote-address.ts';
import { systemClock } from '../remote-world.fixture.ts';
import type { S3Settings } from './s3-client.ts';
import { openS3Remote } from './s3-remote.ts';

/** One server with a bucket for a test file; each test has its own prefix. */
export interface BucketWorld extends AsyncDisposable {
  readonly server: Radosgw;
  /** Between `openBehind` and the server. */
  readonly proxy: FaultProxy;
  readonly bucket: string;
  freshAddress(endpoint?: string): S3Address;
  open(address: S3Address, settings?: Partial<S3Settings>): Promise<Remote>;
  damageHead(address: S3Address, key: RemoteKey, damage: HeadDamage): Promise<void>;
  /** For the conformance suites. */
  readonly create: RemoteFactory;
}

export async function startBucketWorld(): Promise<BucketWorld> {
  const server = await startRadosgw();
  const proxy = await startFaultProxy(server.endpoint);
  const bucket = 'cache-bucket';
  await signedRequest({ endpoint: server.endpoint, user: server.user, method: 'PUT', path: `/${bucket}` });
  let prefixes = 0;
  const freshAddress = (endpoint = server.endpoint): S3Address => ({
    kind: 's3',
    bucket,
    prefix: `test/${++prefixes}`,
    endpoint,
    region: null,
  });
  const open: BucketWorld['open'] = (address, settings = {}) =>
    openS3Remote({ address, clock: systemClock, env: {}, credentials: server.user, ...settings });
  const damageHead: BucketWorld['damageHead'] = async ({ prefix }, key, damage) => {
    const { endpoint, user } = server;
    const path = `/${bucket}/${prefix}/heads/${key}`;
    // As text: the heads of these tests are ASCII.
    const encoded = Buffer.from(await signedRequest({ endpoint, user, method: 'GET', path }));
    const body = Buffer.from(damaged(encoded, damage)).toString();
    await signedRequest({ endpoint, user, method: 'PUT', path, body });
  };
  return {
    server,
    proxy,
    bucket,
    freshAddress,
    open,
    damageHead,
    create: () => {
      const address = freshAddress();
      return Promise.resolve({
        open: () => open(address),
        damageHead: (key, damage) => damageHead(address, key, damage),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
