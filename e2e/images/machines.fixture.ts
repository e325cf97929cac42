import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World, type WorldUser } from '../cli.fixture.ts';

// Machines that share a directory, and the form in which they keep pulled layers.

export type Form = 'image' | 'tree';

/** The user of the machines, and how they keep pulled layers. */
export interface Reader {
  readonly name: string;
  readonly user: WorldUser;
  readonly env: Readonly<Record<string, string>>;
  readonly form: Form;
}

const all: readonly Reader[] = [
  { name: 'root', user: 'root', env: {}, form: 'image' },
  { name: 'a user with sudo', user: 'ordinary user', env: { CACHELANE_SUDO: '1' }, form: 'image' },
  { name: 'a user without sudo', user: 'ordinary user', env: { CACHELANE_SUDO: '0' }, form: 'tree' },
];

export const readers: readonly Reader[] = all.filter(({ user }) => worldUsers.includes(user));
export const imageReaders: readonly Reader[] = readers.filter(({ form }) => form === 'image');

/** The programs needed to mount images with bubblewrap and with sudo. */
export const imagePrograms = ['bwrap', 'flock', 'unshare', 'sudo', 'setpriv', 'perl'] as const;

/** Machines that share only a directory. All run as this user, in the project `acme/web` with a volume `data`. */
export interface Machines extends Disposable {
  /** Returns `dir:…` of that name. */
  remote(name?: string): string;
  open(env?: Readonly<Record<string, string>>): World;
}

export function openMachines({ user, env: own }: Pick<Reader, 'user' | 'env'>): Machines {
  const place = openWorld({ user });
  const opened: World[] = [];
  const made = new Set<string>();
  const remote = (name = 'shared'): string => {
    const path = join(place.dir, name);
    if (!made.has(name)) place.exec(['mkdir', path]);
    made.add(name);
    return `dir:${path}`;
  };
  return {
    remote,
    open(env = {}) {
      const shared = { CACHELANE_REMOTE: remote(), CACHELANE_PUSH: 'wait', CACHELANE_NAMESPACE: 'acme/web' };
      const world = openWorld({ user, env: { ...shared, ...own, ...env } });
      world.write({ 'cachelane.yaml': 'volumes:\n  data: { path: data, sync: always }\n' });
      opened.push(world);
      return world;
    },
    [Symbol.dispose]() {
      for (const world of [...opened, place]) world[Symbol.dispose]();
    },
  };
}

/** Runs a script in the volume `data`. Expects no warning. */
export async function inData(world: World, script: string, ...options: readonly string[]): Promise<FinishedRun> {
  const run = await world.run(['sh', '-euc', `cd data; ${script}`], { options: ['--verbose', ...options] });
  expect(run).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') as string });
  return run;
}

/** Returns the names of the layers in a world's store. */
export function layersIn({ store }: Pick<World, 'store'>): readonly string[] {
  return readdirSync(join(store, 'layers')).toSorted();
}

/** Returns the form of each layer, in the order of {@link layersIn}. */
export function formsIn(world: Pick<World, 'store'>): readonly Form[] {
  return layersIn(world).map((id) => {
    const { form } = JSON.parse(readFileSync(join(world.store, 'layers', id, 'layer.json'), 'utf8')) as {
      readonly form: Form;
    };
    return form;
  });
}

export function imageIn(world: World, id: string | undefined = layersIn(world)[0]): string {
  return join(world.store, 'layers', String(id), 'image.erofs');
}
