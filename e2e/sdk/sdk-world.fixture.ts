import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { connect, type ConnectOptions, type NodeEngine } from '@cachelane/sdk/node';
import { inject } from 'vitest';
import { openWorld, type Finished, type World } from '../cli.fixture.ts';

const root = join(import.meta.dirname, '../..');

/** The package as published. Build it in `beforeAll`, because it takes seconds. */
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
  /** Creates a project with the namespace `github.com/acme/NAME`. Returns its directory. */
  acme(name: string, files?: Readonly<Record<string, string>>): string;
  /** Starts `cachelane serve` and waits until it is ready. The world's home has one engine. */
  serve(...options: readonly string[]): Promise<ServedEngine>;
  /** Like `serve`, with environment variables for the engine. */
  serveWith(env: Readonly<Record<string, string>>, ...options: readonly string[]): Promise<ServedEngine>;
  /** Opens a session of this process in a project. The world closes it. */
  session(directory: string, options?: ConnectOptions): Promise<NodeEngine>;
  /** Runs `node FILE` in a directory, with the SDK installed and `cachelane` on the PATH. */
  program(
    directory: string,
    file: string,
    env?: Readonly<Record<string, string | undefined>>,
    args?: readonly string[],
  ): ReturnType<World['start']>;
  /** The Node binary that runs the world's programs. */
  readonly node: string;
}

export interface ServedEngine {
  readonly address: string;
  readonly token: string | null;
  readonly pid: number;
  /** Resolves at its end, also after a kill. */
  readonly ended: Promise<Finished>;
  /** Ends it with SIGTERM. */
  stop(): Promise<Finished>;
}

/** Opens a world. With `sdk`, its programs have the package installed. */
export function openSdkWorld(sdk?: BuiltSdk): SdkWorld {
  const world = openWorld();
  const [node, bundle] = inject('cachelaneProgram');
  // Engines that start in the background must not outlive the test.
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

/** Ends the engine, unless another process has its pid now. */
function endEngine(pid: number, { store }: World): void {
  try {
    if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CACHELANE_HOME=${store}\0`))
      process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Returns the paths that a reader of the volume finds, in order. */
export async function pathsOf(
  entries: AsyncIterable<{ readonly path: string; readonly type: string }>,
): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, type } of entries) if (type === 'FILE') found.push(path);
  return found;
}
