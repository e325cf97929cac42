import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';

// Lanes on a machine that CI jobs share: which lanes each job reads, and where it saves.

type Env = Readonly<Record<string, string>>;

interface Platform {
  readonly name: string;
  readonly remote: string;
  readonly namespace: string;
  /** Returns the variables of a job, and writes the files that they name. */
  env(world: World, job: Job): Env;
}

interface Job {
  readonly event: 'push' | 'pull' | 'outside';
  /** A branch. For a pull request, its own branch. */
  readonly branch: string;
  readonly number?: number;
  readonly base?: string;
  readonly fork?: boolean;
}

const sha = '0123456789abcdef0123456789abcdef01234567';

const github: Platform = {
  name: 'GitHub Actions',
  remote: 'https://github.com/acme/web',
  namespace: 'github.com/acme/web',
  env(world, { event, branch, number, base = 'main', fork = false }) {
    const repository = { full_name: 'acme/web', default_branch: 'main', fork: false };
    const pull = {
      number,
      head: { ref: branch, repo: fork ? { full_name: 'mallory/web', fork: true } : repository },
      base: { ref: base, repo: repository },
    };
    const payload =
      number === undefined ? { ref: `refs/heads/${branch}`, repository } : { number, pull_request: pull, repository };
    const file = `events/${event}-${number ?? 'push'}-${fork}.json`;
    world.write({ [file]: JSON.stringify(payload) });
    return {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_REPOSITORY: 'acme/web',
      GITHUB_RUN_ID: '8843',
      GITHUB_SHA: sha,
      GITHUB_WORKFLOW: 'CI',
      GITHUB_EVENT_PATH: `${world.dir}/${file}`,
      ...{
        push: { GITHUB_EVENT_NAME: 'push', GITHUB_REF: `refs/heads/${branch}` },
        pull: {
          GITHUB_EVENT_NAME: 'pull_request',
          GITHUB_REF: `refs/pull/${number}/merge`,
          GITHUB_HEAD_REF: branch,
          GITHUB_BASE_REF: base,
        },
        // The checkout and the ref are the base's. Only the event says that an outsider caused it.
        outside: {
          GITHUB_EVENT_NAME: 'pull_request_target',
          GITHUB_REF: `refs/heads/${base}`,
          GITHUB_HEAD_REF: branch,
          GITHUB_BASE_REF: base,
        },
      }[event],
    };
  },
};

const gitlab: Platform = {
  name: 'GitLab',
  remote: 'https://gitlab-ci-token:glcbt-s3cret@gitlab.com/acme/web.git',
  namespace: 'gitlab.com/acme/web',
  env(_, { event, branch, number, base = 'main', fork = false }) {
    return {
      CI: 'true',
      GITLAB_CI: 'true',
      CI_PROJECT_ID: '7',
      CI_PIPELINE_ID: '8843',
      CI_DEFAULT_BRANCH: 'main',
      CI_COMMIT_SHA: sha,
      CI_COMMIT_REF_NAME: branch,
      CI_CONFIG_PATH: '.gitlab-ci.yml',
      ...{
        push: { CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: branch },
        pull: {
          CI_PIPELINE_SOURCE: 'merge_request_event',
          CI_MERGE_REQUEST_IID: String(number),
          CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: branch,
          CI_MERGE_REQUEST_TARGET_BRANCH_NAME: base,
          CI_MERGE_REQUEST_PROJECT_ID: '7',
          CI_MERGE_REQUEST_SOURCE_PROJECT_ID: fork ? '666' : '7',
        },
        outside: { CI_PIPELINE_SOURCE: 'external_pull_request_event' },
      }[event],
    };
  },
};

const main: Job = { event: 'push', branch: 'main' };
const branch: Job = { event: 'push', branch: 'feat/a' };
const pull: Job = { event: 'pull', branch: 'feat/a', number: 12 };
const otherPull: Job = { event: 'pull', branch: 'feat/b', number: 13 };
const stackedPull: Job = { event: 'pull', branch: 'feat/c', number: 14, base: 'feat/a' };
const forksPull: Job = { event: 'pull', branch: 'main', number: 12, fork: true };
const fromOutside: Job = { event: 'outside', branch: 'main', number: 12, fork: true };

interface Expected {
  readonly title: string;
  readonly job: Job;
  readonly lane: string;
  /** Lanes of its own namespace, in read order. */
  readonly reads: readonly string[];
  /** Files in the volume. Each saved lane has one, named like its branch or pull request number. */
  readonly sees: readonly string[];
}

const saving: readonly Expected[] = [
  { title: 'a push to the default branch', job: main, lane: 't1:ref:main', reads: ['t1:ref:main'], sees: ['main'] },
  {
    title: 'a push to another branch',
    job: branch,
    lane: 't1:ref:feat/a',
    reads: ['t1:ref:feat/a', 't1:ref:main'],
    sees: ['feat-a', 'main'],
  },
  {
    title: 'a pull request',
    job: pull,
    lane: 't1:pr:12',
    reads: ['t1:pr:12', 't1:ref:main'],
    sees: ['main', 'pr-12'],
  },
  {
    title: 'another pull request',
    job: otherPull,
    lane: 't1:pr:13',
    reads: ['t1:pr:13', 't1:ref:main'],
    sees: ['main', 'pr-13'],
  },
  {
    title: 'a pull request to that other branch',
    job: stackedPull,
    lane: 't1:pr:14',
    reads: ['t1:pr:14', 't1:ref:feat/a', 't1:ref:main'],
    sees: ['feat-a', 'main', 'pr-14'],
  },
];

const readingOnly: readonly Expected[] = [
  {
    title: 'a pull request from a fork with the same number',
    job: forksPull,
    lane: 't0:run:8843',
    reads: ['t0:run:8843', 't1:ref:main'],
    sees: ['main'],
  },
  {
    title: 'an event that an outsider can cause',
    job: fromOutside,
    lane: 't0:run:8843',
    reads: ['t0:run:8843', 't1:ref:main'],
    sees: ['main'],
  },
];

requireCommands('bwrap', 'git')('jobs on one machine', () => {
  describe.each([github, gitlab])('of $name', (platform) => {
    let world: World;
    let project: string;

    beforeAll(async () => {
      world = openWorld();
      project = world.project('web', { 'package.json': '{}' });
      world.gitInit(project, platform.remote);
      // CI jobs do not see what a user saved on the machine.
      await run(null, 'echo x > cache/by-hand');
      for (const { job } of saving) {
        const name = job.number === undefined ? job.branch.replace('/', '-') : `pr-${job.number}`;
        expect((await run(job, `echo x > cache/${name}`)).volume('data')).toMatchObject({ added: 1, skipped: null });
      }
    });
    afterAll(() => world[Symbol.dispose]());

    async function run(job: Job | null, script: string, ...options: readonly string[]): Promise<FinishedRun> {
      const env = job === null ? {} : platform.env(world, job);
      const all = ['-v', 'data:cache', ...options];
      const finished = await world.run(['sh', '-ec', script], { cwd: project, env, options: all });
      expect(finished).toMatchObject({ code: 0 });
      return finished;
    }

    async function lanes(): Promise<readonly string[]> {
      const heads = (await world.json(['ls'])) as readonly { readonly lane: string; readonly generation: number }[];
      return heads.map(({ lane, generation }) => `${lane} ${generation}`);
    }

    test.each(saving)('$title: has its lane and read chain', async ({ job, lane, reads, sees }) => {
      const env = platform.env(world, job);
      const context = await world.json(['context'], { cwd: project, env });
      expect(context).toMatchObject({ namespace: platform.namespace, lane, trust: 'T1', canWrite: true });
      const { readChain } = context as { readonly readChain: readonly { namespace: string; lane: string }[] };
      const own = readChain.filter(({ namespace }) => namespace === platform.namespace);
      expect(own.map((link) => link.lane)).toEqual(reads);
      const finished = await run(job, 'ls cache');
      expect(finished.stdout.split('\n').slice(0, -1)).toEqual(sees);
      expect(finished.report).toMatchObject({ namespace: platform.namespace, lane, trust: 'T1' });
      expect(finished.volume('data').hits.map((hit) => hit.lane)).toEqual(reads);
    });

    test.each(readingOnly)('$title: reads the default branch and saves nothing', async ({ job, lane, reads, sees }) => {
      const before = await lanes();
      const env = platform.env(world, job);
      const context = await world.json(['context'], { cwd: project, env });
      expect(context).toMatchObject({ namespace: platform.namespace, lane, trust: 'T0', canWrite: false });
      const { readChain } = context as { readonly readChain: readonly { namespace: string; lane: string }[] };
      const own = readChain.filter(({ namespace }) => namespace === platform.namespace);
      expect(own.map((link) => link.lane)).toEqual(reads);

      const finished = await run(job, 'ls cache; echo evil > cache/main; echo evil > cache/evil');
      expect(finished.stdout.split('\n').slice(0, -1)).toEqual(sees);
      expect(finished.report).toMatchObject({ lane, trust: 'T0' });
      expect(finished.volume('data')).toMatchObject({ layer: null, added: 0, hits: [{ lane: 't1:ref:main' }] });
      expect(finished.volume('data').skipped).not.toBeNull();
      // No option makes it save.
      const forced = await run(job, 'echo evil > cache/evil', '--commit=always', '--mode=write-only');
      expect(forced.volume('data')).toMatchObject({ layer: null });
      expect(await lanes()).toEqual(before);
      for (const other of [main, pull, job]) {
        expect((await run(other, 'ls cache; cat cache/main')).stdout).not.toContain('evil');
      }
    });

    test('changes and removals of a pull request do not affect other lanes', async () => {
      await run(otherPull, 'echo changed > cache/main; echo x > cache/more');
      expect((await run(otherPull, 'cat cache/main')).stdout).toBe('changed\n');
      await run(otherPull, 'rm cache/main');
      expect((await run(otherPull, 'ls cache')).stdout).toBe('more\npr-13\n');
      for (const job of [main, branch, pull]) expect((await run(job, 'cat cache/main')).stdout).toBe('x\n');
    });

    test('pull requests see later saves of main', async () => {
      await run(main, 'echo x > cache/later');
      expect((await run(pull, 'ls cache')).stdout).toContain('later\n');
      expect((await run(forksPull, 'ls cache')).stdout).toContain('later\n');
      await run(main, 'rm cache/later');
    });

    test('ls lists each lane, none of T0, and the machine’s own lane separately', async () => {
      const expected = ['t1:local', ...saving.map(({ lane }) => lane)];
      expect((await lanes()).map((line) => line.replace(/ .*/, '')).toSorted()).toEqual(expected.toSorted());
      expect((await run(null, 'ls cache')).stdout).toBe('by-hand\n');
    });
  });

  test('an unknown CI system saves nothing that others read, and reads nothing of theirs', async () => {
    using world = openWorld();
    const options = ['-v', 'data:cache'];
    const env = { JENKINS_URL: 'https://ci.example.com', BRANCH_NAME: 'main' };
    const run = await world.run(['sh', '-c', 'echo x > cache/x'], { options, env });
    expect(run).toMatchObject({ code: 0, report: { trust: 'T0', volumes: [{ layer: null }] } });
    expect((await world.run(['ls', 'cache'], { options })).stdout).toBe('');
  });
});
