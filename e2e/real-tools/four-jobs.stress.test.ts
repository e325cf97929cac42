import { requireCommands } from '@cachelane/testkit';
import { openBucketRemote } from './ci-machines.fixture.ts';
import { fourJobs } from './four-jobs.fixture.ts';
import { goServices } from './go-jobs.fixture.ts';

// The example repository takes a minute of compiling.

const ready = requireCommands('bwrap', 'git', 'go', 'ceph-mon', 'ceph-osd', 'ceph', 'radosgw');
ready('four jobs of the example share a bucket that holds the standard library', () =>
  fourJobs({
    repository: goServices(),
    earlier: () => 'go build net/http/httptest encoding/json flag log',
    withLanes: false,
    open: openBucketRemote,
  }),
);
