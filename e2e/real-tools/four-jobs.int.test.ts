import { requireCommands } from '@cachelane/testkit';
import { describe } from 'vitest';
import { openBucketRemote, openDirectoryRemote } from './ci-machines.fixture.ts';
import { fourJobs } from './four-jobs.fixture.ts';
import { goTools } from './go-jobs.fixture.ts';
import { seeding } from './go-project.fixture.ts';

requireCommands(
  'bwrap',
  'git',
  'go',
)('four jobs on four machines at once', () => {
  describe('share an empty directory', () =>
    fourJobs({
      repository: goTools(),
      earlier: null,
      withLanes: true,
      open: async () => await Promise.resolve(openDirectoryRemote()),
    }));
  const withServer = requireCommands('ceph-mon', 'ceph-osd', 'ceph', 'radosgw');
  withServer('share a bucket that holds the standard library', () =>
    fourJobs({
      repository: goTools(),
      earlier: () => `${seeding('$(go env GOCACHE)')} && go build flag`,
      withLanes: false,
      open: openBucketRemote,
    }),
  );
});
