import { afterAll, beforeAll } from 'vitest';
import { remoteHeadsConformance, remoteObjectsConformance, requireCommands } from '@cachelane/testkit';
import { startBucketWorld, type BucketWorld } from './bucket-world.fixture.ts';

const withServer = requireCommands('ceph-mon', 'ceph-osd', 'ceph', 'radosgw');

withServer('a bucket of a real server', () => {
  let world: BucketWorld;
  beforeAll(async () => {
    world = await startBucketWorld();
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });
  remoteObjectsConformance('s3 on radosgw', () => world.create());
  remoteHeadsConformance('s3 on radosgw', () => world.create());
});
