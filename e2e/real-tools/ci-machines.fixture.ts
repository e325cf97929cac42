import { join } from 'node:path';
import { signedRequest, startRadosgw } from '@cachelane/testkit';
import { openWorld, type World } from '../cli.fixture.ts';

// Fresh CI machines: an empty home, and the checkout at the same path on all of them. Go's keys contain that path, so
// different paths would share less than in CI.

type Files = Readonly<Record<string, string>>;

interface Machine extends Disposable {
  readonly world: World;
  /** The path of the checkout as programs see it. */
  readonly checkout: string;
}

interface MachineOptions {
  readonly files: Files;
  /** The job's lane. */
  readonly lane: CiLane;
  /** The age of the checkout's files. `now` is what git in CI produces; by default all machines have one fixed time. */
  readonly age?: 'now';
}

export interface CiLane {
  readonly workflow: string;
  /** Default: a push to main. */
  readonly pullRequest?: number;
  /** The pull request comes from a fork. */
  readonly fork?: true;
}

/** Machines of the repository github.com/acme/web that share only a remote. */
export interface CiMachines extends Disposable {
  open(options: MachineOptions): Machine;
}

export function openCiMachines(remote: Files): CiMachines {
  const place = openWorld();
  const seenAt = join(place.dir, 'runner');
  place.exec(['mkdir', seenAt]);
  const opened: Machine[] = [];
  return {
    open({ files, lane, age }) {
      const world = openWorld({ seenAt, env: { ...remote, ...jobVariables(lane, seenAt) } });
      world.write({ 'event.json': JSON.stringify(eventOf(lane)) });
      const checkout = world.project('web', files);
      if (age !== 'now') world.exec(['find', checkout, '-exec', 'touch', '-d', '2026-01-01', '{}', '+']);
      commit(world, checkout);
      const machine: Machine = { world, checkout, [Symbol.dispose]: () => world[Symbol.dispose]() };
      opened.push(machine);
      return machine;
    },
    [Symbol.dispose]() {
      for (const machine of opened) machine[Symbol.dispose]();
      place[Symbol.dispose]();
    },
  };
}

/** Commits the checkout. The same files give the same commit on every machine. */
function commit(world: World, checkout: string): void {
  world.gitInit(checkout, 'https://github.com/acme/web.git');
  const date = '2026-01-01T00:00:00Z';
  const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const identity = ['-c', 'user.name=ann', '-c', 'user.email=ann@example.com'];
  world.exec(['git', '-C', checkout, 'add', '--all']);
  world.exec(['git', '-C', checkout, ...identity, 'commit', '--quiet', '--message=all'], { env });
}

const repository = { full_name: 'acme/web', default_branch: 'main', fork: false };

function eventOf({ pullRequest, fork }: CiLane): unknown {
  if (pullRequest === undefined) return { ref: 'refs/heads/main', repository };
  const head = fork === true ? { full_name: 'mallory/web', default_branch: 'main', fork } : repository;
  const pull = { number: pullRequest, head: { ref: 'feat/a', repo: head }, base: { ref: 'main', repo: repository } };
  return { number: pullRequest, pull_request: pull, repository };
}

function jobVariables({ workflow, pullRequest }: CiLane, dir: string): Files {
  const always = {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'acme/web',
    GITHUB_RUN_ID: '8843',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_WORKFLOW: workflow,
    GITHUB_EVENT_PATH: join(dir, 'event.json'),
  };
  if (pullRequest === undefined) return { ...always, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' };
  const ref = { GITHUB_REF: `refs/pull/${pullRequest}/merge`, GITHUB_HEAD_REF: 'feat/a', GITHUB_BASE_REF: 'main' };
  return { ...always, GITHUB_EVENT_NAME: 'pull_request', ...ref };
}

/** A remote and the environment that selects it. */
interface RemotePlace extends AsyncDisposable {
  readonly env: Files;
}

export function openDirectoryRemote(): RemotePlace {
  const world = openWorld();
  const path = join(world.dir, 'shared');
  world.exec(['mkdir', path]);
  return { env: { CACHELANE_REMOTE: `dir:${path}` }, [Symbol.asyncDispose]: async () => world[Symbol.dispose]() };
}

/** Opens a bucket on a real server. */
export async function openBucketRemote(): Promise<RemotePlace> {
  const server = await startRadosgw();
  const { endpoint, user } = server;
  await signedRequest({ endpoint, user, method: 'PUT', path: '/team-cache' });
  return {
    env: {
      CACHELANE_REMOTE: `s3://team-cache/web?endpoint=${endpoint}`,
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
    },
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}
