import type { Mount, OverlayMount } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { memoryRuntime } from './memory-runtime.ts';
import { runtimeConformance } from './runtime-conformance.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

const request = { cwd: '/', env: {}, mounts: [], leaseFile: null };

function volume(name: string): OverlayMount {
  return {
    kind: 'overlay',
    target: `/target/${name}`,
    lowerDirs: ['/empty'],
    images: [],
    upperDir: `/upper/${name}`,
    workDir: `/scratch/${name}`,
  };
}

const isBroken = (mount: Mount): boolean =>
  mount.target === '/target/broken' || (mount.kind === 'overlay' && mount.images.some(({ file }) => file !== '/image'));

function createFixture(): RuntimeFixture {
  const written: { readonly mount: Mount; readonly file: string }[] = [];
  let mounts = 0;
  const write = (mounted: readonly Mount[], target: string, file: string): void => {
    for (const mount of mounted) if (mount.target === target) written.push({ mount, file });
  };
  const runtime = memoryRuntime({
    refuse: (mounted) => (mounted.some(isBroken) ? 'it is broken' : null),
    commands: {
      exit: ({ request: { argv } }) => Number(argv[1]),
      die: ({ request: { argv } }) => ({ signal: argv[1] as NodeJS.Signals }),
      write({ request: { argv, mounts: mounted } }) {
        write(mounted, argv[1] ?? '', argv[2] ?? '');
        return 0;
      },
      leave({ request: { argv }, leave }) {
        leave({ name: argv[1] ?? '', endedBy: argv[2] as 'TERM' });
        return 0;
      },
      find: ({ request: { argv, mounts: mounted } }) => {
        const seen = mounted.find(({ target }) => target === argv[1]);
        return seen?.kind === 'overlay' && seen.images.length > 0 && argv[2] === 'kept' ? 0 : 1;
      },
      async wait({ request: { argv, mounts: mounted }, onSignal }) {
        write(mounted, argv[1] ?? '', 'waiting');
        const { promise, resolve } = Promise.withResolvers<number>();
        if (argv[2] !== undefined) onSignal(() => resolve(0));
        return await promise;
      },
    },
  });
  return {
    runtime,
    commands: {
      exits: (exitCode) => ['exit', String(exitCode)],
      diesOf: (signal) => ['die', signal],
      writes: ({ target }, file) => ['write', target, file],
      finds: ({ target }, file) => ['find', target, file],
      leaves: (name, endedBy) => ['leave', name, endedBy],
      waits: ({ target }) => ['wait', target],
      obeys: ({ target }, signal) => ['wait', target, signal],
      missing: ['no-such-command'],
    },
    cwd: '/',
    env: {},
    mount: () => volume(String((mounts += 1))),
    brokenMount: () => volume('broken'),
    imageMount() {
      const image = { file: '/image', dir: '/empty' };
      return { ...volume(String((mounts += 1))), images: [image] };
    },
    mountsImages: true,
    isMountedForAll: () => false,
    leaseFile: () => '/lease',
    files: (mount) => written.filter((each) => each.mount.target === mount.target).map(({ file }) => file),
    signalUs: (signal) => runtime.receive(signal),
    async until(holds) {
      while (!holds()) await Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

runtimeConformance('memory', async () => await Promise.resolve(createFixture()));

describe('the memory runtime', () => {
  test('records all requests, and passes every command to a single function', async () => {
    const runtime = memoryRuntime({ commands: ({ request: { argv } }) => argv.length });
    expect(await runtime.run({ ...request, argv: ['a', 'b', 'c'] })).toMatchObject({ exitCode: 3 });
    expect(await runtime.run({ ...request, argv: ['a'] })).toMatchObject({ exitCode: 1 });
    expect(runtime.requests.map(({ argv }) => argv[0])).toEqual(['a', 'a']);
  });

  test('can leave processes that no signal ends', async () => {
    const runtime = memoryRuntime({
      commands({ leave }) {
        leave({ name: 'stuck', endedBy: 'nothing' });
        leave({ name: 'daemon' });
        return 0;
      },
    });
    const tokens: string[] = [];
    const mounts = [volume('one')];
    await runtime.run({ ...request, mounts, argv: ['a'], onPlace: ({ token }) => void tokens.push(token) });
    const place = { token: tokens[0] ?? '' };
    expect((await runtime.survivors(place)).map(({ name }) => name)).toEqual(['stuck', 'daemon']);
    expect((await runtime.endSurvivors(place, 0)).map(({ name }) => name)).toEqual(['stuck']);
  });

  test('a rejected command function fails the run', async () => {
    const runtime = memoryRuntime({ commands: () => Promise.reject(new Error('the test is wrong')) });
    await expect(runtime.run({ ...request, argv: ['a'] })).rejects.toThrow('the test is wrong');
  });
});
