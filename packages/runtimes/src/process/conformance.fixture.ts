import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '@cachelane/core';
import type { RuntimeFixture } from '@cachelane/testkit';
import { type MountWay, processRuntime } from './process-runtime.ts';
import { canMakeImages, makeWorld, until } from './world.fixture.ts';

const shell = (script: string): readonly string[] => ['sh', '-c', script];

/** A process runtime of this process, for the conformance suite. */
export async function createRuntimeFixture(way: MountWay | 'in place' = 'bubblewrap'): Promise<RuntimeFixture> {
  const world = makeWorld({ name: 'whoever we are', uid: null });
  let mounts = 0;
  let leases = 0;
  const mount = (): Mount => {
    const name = `volume-${(mounts += 1)}`;
    return way === 'in place' ? inPlace(world.dir(name)) : world.mount(name);
  };
  const brokenMount = (): Mount => {
    const made = mount();
    const missing = join(world.root, 'missing');
    return made.kind === 'overlay' ? { ...made, lowerDirs: [missing] } : inPlace(missing);
  };
  // Never opened for writing.
  spawnSync('mkfifo', [join(world.root, 'never')]);
  const leaving = (name: string, endedBy: 'TERM' | 'KILL'): readonly string[] => {
    const program = join(world.root, name);
    writeFileSync(program, `#!/bin/sh\n${endedBy === 'KILL' ? 'trap "" TERM\n' : ''}: > ready\nread line < never\n`);
    chmodSync(program, 0o755);
    return shell(`rm -f ready; ./${name} & until test -e ready; do :; done`);
  };
  return await Promise.resolve({
    runtime: processRuntime({
      path: process.env['PATH'] ?? '',
      mountWith: () => (way === 'sudo' ? way : 'bubblewrap'),
    }),
    commands: {
      exits: (exitCode) => shell(`exit ${exitCode}`),
      diesOf: (signal) => shell(`kill -${signal.slice(3)} $$`),
      writes: ({ target }, file) => ['touch', join(target, file)],
      finds: ({ target }, file) => ['test', '-e', join(target, file)],
      leaves: leaving,
      waits: ({ target }) => shell(`: > ${target}/waiting; read line < never`),
      obeys: ({ target }, signal) =>
        shell(`trap 'kill $!; exit 0' ${signal.slice(3)}; sleep 1000 & : > ${target}/waiting; wait`),
      missing: ['no-such-command'],
    },
    cwd: world.root,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    mount,
    brokenMount,
    imageMount: () =>
      way === 'in place' || !canMakeImages ? null : world.imageMount(`volume-${(mounts += 1)}`, [': > kept']),
    mountsImages: way === 'sudo' || process.getuid?.() === 0,
    isMountedForAll: ({ dir }) => existsSync(join(dir, 'kept')),
    leaseFile: () => join(world.root, `lease-${(leases += 1)}`),
    files: (volume) => readdirSync(dirOf(volume)),
    signalUs: (signal) => void process.kill(process.pid, signal),
    until: async (holds) => void (await until(holds)),
    [Symbol.asyncDispose]: async () => await Promise.resolve(world[Symbol.dispose]()),
  });
}

/** A directory volume that the command uses in place. */
const inPlace = (path: string): Mount => ({ kind: 'directory', target: path, path, bind: false });

function dirOf(mount: Mount): string {
  return mount.kind === 'overlay' ? mount.upperDir : mount.path;
}
