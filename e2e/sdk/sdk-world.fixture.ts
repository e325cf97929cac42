import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { connect, type ConnectOptions, type NodeEngine } from '@cachelane/sdk/node';
import { inject } from 'vitest';
import { openWorld, type Finished, type World } from '../cli.fixture.ts';

const root = join(import.meta.dirname, '../..');

/** Builds the published package. Slow: use it in `beforeAll`. */
export interface BuiltSdk extends Disposable {
  readonly dir: string;
}

export function buildSdk(): BuiltSdk {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-sdk-'));
  chmodSync(dir, 0o755);
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/bundle-sdk.ts'), join(dir, 'sdk')], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the SDK could not be built: ${stderr}`);
  return { dir: join(dir, 'sdk'), [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}

export interface SdkWorld extends AsyncDisposable {
  readonly world: World;
  /** Creates a project with the namespace `github.com/acme/NAME` and returns its directory. */
  acme(name: string, files?: Readonly<Record<string, string>>): string;
  /** `cachelane serve`, ready; the world's home has one engine. */
  serve(...options: readonly string[]): Promise<ServedEngine>;
  /** The same with environment variables for the engine. */
  serveWith(env: Readonly<Record<string, string>>, ...options: readonly string[]): Promise<ServedEngine>;
  /** A session of this process in a project; closed with the world. */
  session(directory: string, options?: ConnectOptions): Promise<NodeEngine>;
  /** `node FILE` in a directory, with the SDK installed and `cachelane` on the PATH. */
  program(
    directory: string,
    file: string,
    env?: Readonly<Record<string, string | undefined>>,
    args?: readonly string[],
  ): ReturnType<World['start']>;
  /** Node, as programs of the world are started with it. */
  readonly node: string;
}

export interface ServedEngine {
  readonly address: string;
  readonly token: string | null;
  readonly pid: number;
  /** Also where it is killed. */
  readonly ended: Promise<Finished>;
  /** Ends it as SIGTERM does. */
  stop(): Promise<Finished>;
}

/** With `sdk`, programs of the world have it installed. */
export function openSdkWorld(sdk?: BuiltSdk): SdkWorld {
  const world = openWorld();
  const [node, bundle] = inject('cachelaneProgram');
  // What starts by itself must not outlive the test.
  const launcher = `#!/bin/sh
[ "$1" != serve ] || { echo $$ >>"$TMPDIR/engines"; shift; set -- serve --idle-timeout 1 "$@"; }
exec "${node}" "${bundle}" "$@"
`;
  world.write({ 'bin/cachelane': launcher });
  chmodSync(join(world.dir, 'bin/cachelane'), 0o755);
  world.env['PATH'] = [join(world.dir, 'bin'), join(node, '..'), world.env['PATH']].join(delimiter);
  if (sdk !== undefined) {
    mkdirSync(join(world.dir, 'node_modules/@cachelane'), { recursive: true });
    symlinkSync(sdk.dir, join(world.dir, 'node_modules/@cachelane/sdk'));
  }
  let address: string | undefined;
  const sessions: NodeEngine[] = [];
  const serveWith: SdkWorld['serveWith'] = async (env, ...options) => {
    const started = world.start(['serve', '--json', ...options], { env });
    await started.said('\n');
    const facts = JSON.parse(started.stdout()) as Omit<ServedEngine, 'stop' | 'ended'>;
    ({ address } = facts);
    return {
      ...facts,
      ended: started.finished,
      stop: async () => {
        started.child.kill('SIGTERM');
        return await started.finished;
      },
    };
  };
  return {
    world,
    acme(name, files = {}) {
      const directory = world.project(name, { 'package.json': '{ "type": "module" }', ...files });
      if (!existsSync(join(directory, '.git'))) world.gitInit(directory, `https://github.com/acme/${name}.git`);
      return directory;
    },
    serve: async (...options) => await serveWith({}, ...options),
    serveWith,
    async session(directory, options = {}) {
      const engine = await connect({ address, directory, environment: world.env, program: null, ...options });
      sessions.push(engine);
      return engine;
    },
    program: (directory, file, env = {}, args = []) =>
      world.startProgram([node, file, ...args], { cwd: directory, env }),
    node,
    async [Symbol.asyncDispose]() {
      for (const engine of sessions) await engine.close();
      const engines = join(world.dir, 'tmp/engines');
      const pids = existsSync(engines) ? readFileSync(engines, 'utf8').trim().split('\n').map(Number) : [];
      for (const pid of pids) endEngine(pid, world);
      world[Symbol.dispose]();
    },
  };
}

/** Unless it has ended, and its number is another process's. */
function endEngine(pid: number, { store }: World): void {
  try {
    if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CACHELANE_HOME=${store}\0`))
      process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Paths of all that a reader of the volume finds, in their order. */
export async function pathsOf(
  entries: AsyncIterable<{ readonly path: string; readonly type: string }>,
): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, type } of entries) if (type === 'FILE') found.push(path);
  return found;
}
