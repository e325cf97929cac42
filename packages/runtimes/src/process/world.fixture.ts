import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { CommandOutcome, LayerImage, OverlayMount, RunPlace, RunRequest } from '@cachelane/core';
import { compiledSources } from '@cachelane/testkit';
import type { MountWay } from './process-runtime.ts';
import type { Job } from './run-command.fixture.ts';
import { sudoProblem } from '../chain/sudo-problem.ts';

const repository = join(import.meta.dirname, '../../../..');
export const nodeBinary: string = join(repository, 'node_modules/node/bin/node');
export const runCommandProgram: string = join(import.meta.dirname, 'run-command.fixture.ts');

export interface TestUser {
  readonly name: string;
  /** Null: the user of the tests. */
  readonly uid: number | null;
  /** By default bubblewrap. */
  readonly mountWith?: MountWay;
  /** Whether every volume gets an image below the requested layers. */
  readonly withImages?: boolean;
}

const nobody = 65534;
const isRoot = process.getuid?.() === 0;
export const canMakeImages: boolean = spawnSync('mkfs.erofs', ['--help']).error === undefined;

/** As root, each test also runs as an ordinary user. */
export const testUsers: readonly [TestUser, ...TestUser[]] =
  process.getuid?.() === 0
    ? [
        { name: 'root', uid: null },
        { name: 'an ordinary user', uid: nobody },
      ]
    : [{ name: 'an ordinary user', uid: null }];

/** The same users, with mounts by root. The ordinary one needs a sudo rule, which root can make; otherwise the suites are skipped. */
export const sudoUsers: readonly TestUser[] =
  process.getuid?.() === 0 || sudoProblem() === null
    ? testUsers.map((user) => ({ ...user, name: `${user.name}, mounts by root`, mountWith: 'sudo' }))
    : [];

const withImages = (users: readonly TestUser[]): readonly TestUser[] =>
  canMakeImages ? users.map((user) => ({ ...user, name: `${user.name}, with images`, withImages: true })) : [];

/** Users that can mount images, with one in each volume. */
export const testUsersWithImages: readonly TestUser[] = withImages(isRoot ? testUsers.slice(0, 1) : []);
export const sudoUsersWithImages: readonly TestUser[] = withImages(sudoUsers);

/** As root, turns this process into an ordinary user for good. Each test file has its own process. */
export function becomeOrdinaryUser(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}

/** Less than a test's time limit, whose error would not name the condition. */
const patienceMs = 100_000;

/** Waits for a condition; the error shows the condition or `inVain`. */
export async function until<Value>(
  look: () => Value | null | undefined | false,
  inVain: () => string = () => String(look),
): Promise<Value> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`timed out: ${inVain()}`);
    await wait(3);
  }
}

export interface World extends Disposable {
  /** A directory without symbolic links in its path. */
  readonly root: string;
  readonly lease: string;
  /** Makes a directory below the root, with files by name. */
  dir(name: string, files?: Readonly<Record<string, string>>): string;
  /** Makes a mount with lower directories of these files, top first, below `name`. */
  mount(name?: string, lowers?: readonly Readonly<Record<string, string>>[]): OverlayMount;
  /** Makes an image of what a script creates, and its directory. */
  image(name: string, script: string): LayerImage;
  /** Makes a mount with layers in images, top first, each from a script. */
  imageMount(name: string, scripts: readonly string[]): OverlayMount;
  request(argv: readonly string[], rest?: Partial<RunRequest>): RunRequest;
  /** A shell command as a request. */
  sh(script: string, rest?: Partial<RunRequest>): RunRequest;
  /** The request with and without the volumes. */
  bothWays(request: RunRequest): readonly [RunRequest, RunRequest];
}

export function makeWorld(user: TestUser, parent: string = tmpdir()): World {
  const root = realpathSync(mkdtempSync(join(parent, 'cachelane-run-')));
  const own = (path: string): string => {
    if (user.uid !== null) chownSync(path, user.uid, user.uid);
    return path;
  };
  own(root);
  const dir: World['dir'] = (name, files = {}) => {
    const path = join(root, name);
    if (!existsSync(path)) mkdirSync(path);
    own(path);
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(join(path, file), text);
      own(join(path, file));
    }
    return path;
  };
  const image: World['image'] = (name, script) => {
    const source = dir(`${name}.source`);
    execFileSync('sh', ['-ec', script], { cwd: source });
    const made: LayerImage = { file: join(root, `${name}.erofs`), dir: dir(name) };
    // As in images of pulled layers.
    const whose = user.uid === null ? [] : [`--force-uid=${user.uid}`, `--force-gid=${user.uid}`];
    execFileSync('mkfs.erofs', ['-b512', ...whose, made.file, source], { stdio: 'ignore' });
    rmSync(source, { recursive: true });
    own(made.file);
    return made;
  };
  const mounts: OverlayMount[] = [];
  const overlay = (name: string, lowerDirs: readonly string[], images: readonly LayerImage[]): OverlayMount => {
    const [target, upperDir, workDir] = [dir(name), dir(`${name}.upper`), dir(`${name}.work`)];
    const made: OverlayMount = { kind: 'overlay', target, lowerDirs, images, upperDir, workDir };
    mounts.push(made);
    return made;
  };
  const mount: World['mount'] = (name = 'volume', lowers = [{}]) => {
    const lowerDirs = lowers.map((files, index) => dir(`${name}.lower${index}`, files));
    const images = user.withImages === true ? [image(`${name}.image`, '')] : [];
    return overlay(name, [...lowerDirs, ...images.map((each) => each.dir)], images);
  };
  const imageMount: World['imageMount'] = (name, scripts) => {
    const images = scripts.map((script, index) => image(`${name}.image${index}`, script));
    return overlay(
      name,
      images.map((each) => each.dir),
      images,
    );
  };
  const lease = join(root, 'lease');
  const request: World['request'] = (argv, rest = {}) => ({
    argv,
    cwd: root,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    mounts,
    leaseFile: lease,
    ...rest,
  });
  return {
    root,
    lease,
    dir,
    mount,
    image,
    imageMount,
    request,
    sh: (script, rest) => request(['sh', '-c', script], rest),
    bothWays: (given) => [given, { ...given, mounts: [], leaseFile: null }],
    [Symbol.dispose]() {
      for (const { workDir } of mounts) {
        if (existsSync(join(workDir, 'work'))) chmodSync(join(workDir, 'work'), 0o700);
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Refuses ids that kill(2) takes for a group or for all processes. */
function safePid(pid: number | undefined): number {
  if (pid === undefined || !Number.isSafeInteger(pid) || pid < 2) throw new Error(`not a process: ${pid}`);
  return pid;
}

export function signalProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  process.kill(safePid(pid), signal);
}

export interface Client {
  /** Sends a signal to the client alone, or to its process group. */
  signal(signal: NodeJS.Signals, whom?: 'alone' | 'group'): void;
  /** Whether a signal is pending. Pending signals are taken by number, not in order. */
  hasPendingSignals(): boolean;
  /** The command's output so far. */
  stdout(): string;
  stderr(): string;
  place(): RunPlace | null;
  /** The program's report of this name. */
  result<Value>(suffix: string): Value;
  /** Waits until the client has ended. */
  end(): Promise<ClientEnd>;
}

export interface ClientEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Empty if the process died before it could report. */
  readonly outcomes: readonly CommandOutcome[];
  /** The last outcome. */
  readonly outcome: CommandOutcome | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ClientOptions {
  readonly user: TestUser;
  readonly stdin?: number;
  /** The program and arguments before the client, as in `nohup`. */
  readonly prefix?: readonly string[];
  readonly job?: Partial<Job>;
}

let clients = 0;

/** Writes a job for `run-command.fixture.ts` and returns its file name. */
export function writeJob(world: World, requests: readonly RunRequest[], { user, job }: ClientOptions): string {
  const file = join(world.root, `job-${(clients += 1)}`);
  const uid = user.uid === null ? {} : { uid: user.uid };
  const way = user.mountWith === undefined ? {} : { mountWith: user.mountWith };
  writeFileSync(file, JSON.stringify({ requests, ...uid, ...way, ...job }));
  return file;
}

/** Runs a request in a client process that leads its own process group. */
export function startClient(world: World, request: RunRequest | readonly RunRequest[], options: ClientOptions): Client {
  const file = writeJob(world, [request].flat(), options);
  const [out, err] = [openSync(`${file}.stdout`, 'w'), openSync(`${file}.stderr`, 'w')];
  const [program, ...args] = [...(options.prefix ?? []), nodeBinary, runCommandProgram, file];
  const child = spawn(program, args, {
    stdio: [options.stdin ?? 'ignore', out, err],
    detached: true,
    env: { ...process.env, ...compiledSources },
  });
  closeSync(out);
  closeSync(err);
  const read = (suffix: string): string => readFileSync(`${file}.${suffix}`, 'utf8');
  const parsed = <Value>(suffix: string): Value | null =>
    existsSync(`${file}.${suffix}`) ? (JSON.parse(read(suffix)) as Value) : null;
  const { promise: closed, resolve } = Promise.withResolvers<readonly [number | null, NodeJS.Signals | null]>();
  child.once('close', (code, signal) => resolve([code, signal]));
  return {
    signal(signal, whom = 'alone') {
      const pid = safePid(child.pid);
      try {
        process.kill(whom === 'group' ? -pid : pid, signal);
      } catch (error) {
        // It has ended by itself; the test will notice the missing signal.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
    hasPendingSignals() {
      try {
        return !/^ShdPnd:\s*0+$/m.test(readFileSync(`/proc/${safePid(child.pid)}/status`, 'utf8'));
      } catch {
        return false;
      }
    },
    stdout: () => read('stdout'),
    stderr: () => read('stderr'),
    place: () => parsed('place'),
    result: (suffix) => JSON.parse(read(suffix)),
    async end() {
      const [code, signal] = await closed;
      const outcomes = parsed<readonly CommandOutcome[]>('outcomes') ?? [];
      return { code, signal, outcomes, outcome: outcomes.at(-1), stdout: read('stdout'), stderr: read('stderr') };
    },
  };
}

/** Runs one or more requests in a client process, to the end. */
export async function runClient(
  world: World,
  request: RunRequest | readonly RunRequest[],
  options: ClientOptions,
): Promise<ClientEnd> {
  return await startClient(world, request, options).end();
}
