import {
  parseNamespace,
  parseProviderRef,
  statedPolicy,
  type Mount,
  type Provided,
  type Provider,
  type ProviderRequest,
  type ProviderSourceKind,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { openFork } from '../runs/fork.ts';
import { grantVolumes } from '../sharing/grants.ts';
import { baseRequest, indexedVolume, install, look, put, testEngine, text } from '../testing/test-engine.fixture.ts';
import { noneProvider, projectProvider } from './plain-providers.ts';
import { provideVolume, providingFor } from './provide-volume.ts';

const asked: ProviderRequest[] = [];

/** The provider `fixed` returns what the test sets. */
function engineWith(said: unknown = { kind: 'nothing' }, directories = {}) {
  asked.length = 0;
  const fixed: Provider = {
    kind: 'fixed',
    async provide(request) {
      asked.push(request);
      if (said instanceof Error) throw said;
      return await Promise.resolve(said as Provided);
    },
  };
  const all = [fixed, projectProvider, noneProvider];
  const find = async (kind: string) => await Promise.resolve(all.find((each) => each.kind === kind));
  const wrap = (deps: EngineDependencies): EngineDependencies => Object.assign(deps, { providers: { find } });
  return testEngine({ wrap, directories: new Map(Object.entries(directories)) });
}

function by(reference: string, source: ProviderSourceKind = 'flag'): VolumeRequest {
  const ref = parseProviderRef(reference, source);
  return { ...indexedVolume, provider: { ref, by: source, source, overridden: [] } };
}

const noAbort = new AbortController().signal;

async function refusal(said: unknown, volume = by('fixed:x')): Promise<string> {
  const { deps } = engineWith(said);
  try {
    await provideVolume(deps, baseRequest, volume, noAbort);
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
  return 'taken';
}

describe('a provider', () => {
  test('gets the request and the default path', async () => {
    const engine = engineWith();
    await engine.run(() => {}, { volumes: [by('fixed:a:b')] });
    expect(asked).toEqual([
      {
        argument: 'a:b',
        volume: 'indexed',
        tool: 'indexed',
        compat: {},
        project: 'github.com/acme/web',
        place: '/cache/indexed',
        fetch: { seedBytes: Infinity, diskBytes: expect.any(Number) },
      },
    ]);
  });

  test('gets a fetcher, except where nothing uses the volume', async () => {
    const policy = statedPolicy({ 'volume-size': '10MB' }, 'config.yaml');
    const engine = engineWith();
    const deps = { ...engine.deps, policy };
    const wanted = { mode: 'write', purpose: 'run' } as const;
    await provideVolume(deps, providingFor(deps, { ...baseRequest, ...wanted }), by('fixed:'), noAbort);
    await provideVolume(
      deps,
      providingFor(deps, { ...baseRequest, ...wanted, purpose: 'prune' }),
      by('fixed:'),
      noAbort,
    );
    await provideVolume(deps, baseRequest, by('fixed:'), noAbort);
    expect(asked.map(({ fetch }) => fetch)).toEqual([
      { seedBytes: 10_000_000, diskBytes: expect.any(Number) },
      null,
      null,
    ]);
  });

  test.each([
    ['fixed:', 'the provider did not finish within 5 s'],
    ['oci:ghcr.io/a/b', 'the provider did not finish within 30 s'],
  ])("has a time limit like a remote's, six times as long for an image: %s", async (reference, told) => {
    const { deps } = engineWith();
    const deaf: Provider = { kind: 'fixed', provide: async () => await new Promise(() => undefined) };
    const late = { ...deps, clock: { ...deps.clock, sleep: async () => await Promise.resolve() } };
    const providers = { find: async () => await Promise.resolve(deaf) };
    const place = providingFor(late, { ...baseRequest, mode: 'write', purpose: 'run', remoteWaitMs: 5000 });
    await expect(provideVolume({ ...late, providers }, place, by(reference), noAbort)).rejects.toMatchObject({
      code: 'E_REMOTE_GONE',
      message: expect.stringContaining(`${reference} (flag): ${told}`),
    });
  });

  test('is called once, and only if it is named', async () => {
    const { deps } = engineWith();
    expect(await provideVolume(deps, baseRequest, indexedVolume, noAbort)).toBe(indexedVolume);
    const once = await provideVolume(deps, baseRequest, by('fixed:'), noAbort);
    expect(await provideVolume(deps, baseRequest, once, noAbort)).toBe(once);
    expect(asked).toHaveLength(1);
  });

  test.each([
    [null, 'its answer is not valid'],
    ['nothing', 'its answer is not valid'],
    [{ kind: 'everything' }, 'its answer is not valid'],
    [{ kind: 'directory' }, 'its directory is not text'],
    [{ kind: 'directory', directory: 'mnt' }, 'not absolute'],
    [{ kind: 'directory', directory: '/mnt/../etc' }, 'not a plain path'],
    [{ kind: 'seed', directory: '/' }, 'the root directory'],
    [{ kind: 'volume', namespace: 'a b' }, 'namespace'],
    [{ kind: 'volume', name: '../x' }, 'volume name'],
    [{ kind: 'volume', compat: { a: 1 } }, 'does not map names to texts'],
    [{ kind: 'volume', compat: { a: 'b\nc' } }, 'control characters'],
  ])('with the invalid answer %j is refused', async (said, why) => {
    expect(await refusal(said)).toContain(why);
  });

  test('that fails gives an error without secrets', async () => {
    const said = await refusal(new Error('https://ann:s3cret@vault/x is gone\n\u001b[31m'));
    expect(said).toBe('E_VOLUME: indexed by fixed:x (flag): the provider failed: https://vault/x is gone%0A%1B[31m');
  });

  test.each(['https://ann:s3/cret@vault/x', 'https://ann:s3@cret@vault/x', '//ann:s3cret@vault'])(
    'that fails with %s shows no password',
    async (url) => {
      expect(await refusal(new Error(`no answer of ${url} today`))).not.toMatch(/s3|cret/);
    },
  );

  test('with a long error is shortened', async () => {
    expect((await refusal(new Error('x'.repeat(10_000)))).length).toBeLessThan(1000);
  });

  test('learns no paths in a confined session, and gets granted volumes only', async () => {
    const { deps } = engineWith({ kind: 'volume', namespace: 'github.com/acme/api' });
    const web = parseNamespace('github.com/acme/web');
    const place = { ...baseRequest, context: { ...baseRequest.context, bounds: { own: [web], granted: [] } } };
    await expect(provideVolume(deps, place, by('fixed:x', 'user'), noAbort)).rejects.toMatchObject({ code: 'E_GRANT' });
    expect(asked).toMatchObject([{ place: null }]);
  });

  test('of an unknown kind leaves the volume out', async () => {
    expect(await refusal(null, by('vault:x'))).toContain('E_CONFIG: indexed by vault:x (flag): there is no provider');
    const engine = engineWith();
    const { report } = await engine.run(([volume]) => expect(volume).toBeUndefined(), {
      volumes: [by('vault:x')],
      request: { strict: false },
    });
    expect(report.volumes).toMatchObject([
      { name: 'indexed', mounter: null, provider: { provider: 'vault:x', chosenBy: 'flag', kind: null } },
    ]);
  });

  test('chosen by the repository is refused outside the project', async () => {
    for (const kind of ['dir:/mnt', 'host:', 'oci:ghcr.io/a/b', 'docker-volume:a', 'fixed:x']) {
      expect(await refusal({ kind: 'nothing' }, by(kind, 'repository'))).toContain('may not choose it');
      expect(await refusal({ kind: 'nothing' }, by(kind, 'session'))).toContain('may not choose it');
    }
  });

  test('chosen by the repository may name the project, but no other one', async () => {
    expect(await refusal(null, by('project:', 'repository'))).toBe('taken');
    expect(await refusal(null, by('project:other', 'repository'))).toBe('taken');
    expect(await refusal(null, by('project:github.com/acme/web:other', 'repository'))).toBe('taken');
    const refused = await refusal(null, by('project:github.com/acme/api:npm', 'repository'));
    expect(refused).toContain('E_GRANT');
    expect(await refusal(null, by('project:github.com/acme/api:npm'))).toBe('taken');
  });

  test("chosen by an untrusted repository reads the project's parents, but no granted volumes", async () => {
    const { deps } = engineWith(null);
    const [owner, acme] = ['github.com/acme/api', 'github.com/acme'].map((name) => parseNamespace(name));
    const all = { namespace: parseNamespace('github.com/acme/web'), below: false };
    for (const each of [owner, acme])
      await grantVolumes(
        deps,
        { owner: each ?? expect.fail(), volume: null, to: all, access: 'read', trust: 'T1', by: 'ann', dryRun: false },
        noAbort,
      );
    const code = async (trust: 'T0' | 'T1', named: string, source: ProviderSourceKind): Promise<string> => {
      const context = { ...baseRequest.context, trust, parents: acme === undefined ? [] : [acme] };
      const request = by(`project:${named}:npm`, source);
      return await provideVolume(deps, { ...baseRequest, context }, request, noAbort).then(
        () => 'taken',
        (error: unknown) => `${(error as { readonly code?: string }).code}`,
      );
    };
    for (const source of ['repository', 'session'] as const) {
      expect(await code('T1', 'github.com/acme/api', source)).toBe('taken');
      expect(await code('T0', 'github.com/acme/api', source)).toBe('E_GRANT');
    }
    expect(await code('T0', 'github.com/acme', 'repository')).toBe('taken');
    expect(await code('T0', 'github.com/acme/api', 'user')).toBe('taken');
  });

  test('that ignores an abort does not block the run', async () => {
    const { deps } = engineWith();
    const deaf: Provider = { kind: 'fixed', provide: async () => await new Promise(() => undefined) };
    const abort = new AbortController();
    const providers = { find: async () => await Promise.resolve(deaf) };
    const asked = provideVolume({ ...deps, providers }, baseRequest, by('fixed:'), abort.signal);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await expect(provideVolume({ ...deps, providers }, baseRequest, by('fixed:'), abort.signal)).rejects.toThrow(
      'enough',
    );
  });
});

async function mountsOf(request: Parameters<ReturnType<typeof engineWith>['run']>[1] = {}, directory = '/mnt/pip') {
  const engine = engineWith({ kind: 'directory', directory });
  const seen: Mount[][] = [];
  const refuse = (mounts: readonly Mount[]) => {
    seen.push([...mounts]);
    return request.refuse?.(mounts) ?? null;
  };
  const result = await engine.run(() => {}, { volumes: [by('fixed:')], ...request, refuse });
  return { seen, report: result.report, engine };
}

describe('a run', () => {
  test('uses a volume of another name and project, reported under its own name', async () => {
    const engine = engineWith({ kind: 'volume', namespace: 'github.com/acme/shared', name: 'stock' });
    const { report } = await engine.run(([volume]) => install(volume, 'a'), { volumes: [by('fixed:')] });
    expect(report.volumes).toMatchObject([
      {
        name: 'indexed',
        added: 2,
        provider: {
          provider: 'fixed:',
          chosenBy: 'flag',
          kind: 'volume',
          gives: 'volume github.com/acme/shared:stock',
        },
      },
    ]);
    const shared = {
      ...indexedVolume,
      namespace: parseNamespace('github.com/acme/shared'),
      name: 'stock',
    } as VolumeRequest;
    expect(Object.keys(await look(engine, { volumes: [shared] }))).toEqual(['content/a', 'index/bucket']);
    expect(await look(engine)).toEqual({});
  });

  test('gets an empty directory that is not saved, beside volumes that are', async () => {
    const engine = engineWith();
    await engine.run(([volume]) => install(volume, 'a'));
    const none = { ...by('none:'), path: '/elsewhere' };
    const { report } = await engine.run(
      ([stored, empty]) => {
        expect(text(stored, 'content/a')).toBe('bytes of a');
        expect([...(empty?.look() ?? [])]).toEqual([]);
        put(empty, 'content/b', 'b');
        install(stored, 'c');
      },
      { volumes: [none, indexedVolume] },
    );
    expect(report.volumes.map(({ path, added, layer }) => [path, added, layer !== null])).toEqual([
      ['/elsewhere', 0, false],
      ['/cache/indexed', 1, true],
    ]);
    expect(report.volumes[0]?.provider).toMatchObject({ kind: 'nothing', provider: 'none:' });
    expect(Object.keys(await look(engine))).toEqual(['content/a', 'content/c', 'index/bucket']);
    expect(await engine.deps.mounters.clone.sessions(noAbort)).toEqual([]);
    expect(await engine.deps.metadata.listSessions(noAbort)).toEqual([]);
  });

  test('leaves no trace in the store of unsaved volumes', async () => {
    const engine = engineWith({ kind: 'directory', directory: '/mnt/pip' });
    await engine.run(() => {}, { volumes: [by('fixed:')] });
    expect(await engine.deps.metadata.listNamespaces(noAbort)).toEqual([]);
  });

  test("works in a host directory at the tool's place", async () => {
    const { seen, report, engine } = await mountsOf();
    expect(seen).toEqual([[{ kind: 'directory', target: '/cache/indexed', path: '/mnt/pip', bind: true }]]);
    expect(report.volumes).toMatchObject([
      {
        mounter: null,
        layer: null,
        skipped: 'directory /mnt/pip, not saved by cachelane',
        provider: { kind: 'directory', gives: 'directory /mnt/pip' },
      },
    ]);
    expect(await engine.deps.mounters.clone.sessions(noAbort)).toEqual([]);
  });

  test('mounts nothing if the tool uses the directory anyway', async () => {
    const { seen } = await mountsOf({}, '/cache/indexed');
    expect(seen).toEqual([[{ kind: 'directory', target: '/cache/indexed', path: '/cache/indexed', bind: false }]]);
  });

  test('goes without the directory if it cannot be mounted and the tool has no setting', async () => {
    const { report } = await mountsOf({
      request: { strict: false },
      refuse: (mounts) => (mounts.length > 0 ? 'no mounts here' : null),
    });
    expect(report.volumes).toMatchObject([
      { mounter: null, skipped: expect.stringContaining('/mnt/pip cannot be shown at /cache/indexed') },
    ]);
  });

  test.each([
    ['with --mode read', { mode: 'read' }],
    ['with --mode write-only', { mode: 'write-only' }],
    ['that may not save', { context: { ...baseRequest.context, canWrite: false } }],
  ] as const)('%s cannot use a host directory', async (why, more) => {
    const { report } = await mountsOf({ request: { strict: false, ...more } });
    expect(report.volumes).toMatchObject([
      { mounter: null, skipped: expect.stringContaining(`a run ${why} cannot use it`) },
    ]);
  });

  test("finds a directory below its own volume, under the provider's name", async () => {
    const engine = engineWith(
      { kind: 'seed', directory: '/stock' },
      {
        '/stock': [
          { do: 'mkdir', path: 'content' },
          { do: 'write', path: 'content/s', content: 'seeded' },
        ],
      },
    );
    const { report } = await engine.run(
      ([volume]) => {
        expect(text(volume, 'content/s')).toBe('seeded');
        install(volume, 'a');
      },
      { volumes: [by('fixed:ghcr')] },
    );
    expect(report.volumes).toMatchObject([{ seed: 'fixed:ghcr', added: 2, provider: { kind: 'volume' } }]);
    expect(Object.keys(await look(engine))).toEqual(['content/a', 'index/bucket']);
  });

  test('reports no seed if it is too large', async () => {
    const steps = [
      { do: 'mkdir', path: 'content' },
      { do: 'write', path: 'content/s', content: 'seeded' },
    ];
    const engine = engineWith({ kind: 'seed', directory: '/stock' }, { '/stock': steps });
    Object.assign(engine.deps, { policy: statedPolicy({ 'volume-size': '3B' }, 'config.yaml') });
    const { report } = await engine.run(() => {}, { volumes: [by('fixed:ghcr')], request: { strict: false } });
    expect(report.volumes).toMatchObject([
      { seed: null, provider: { kind: 'volume', gives: 'volume github.com/acme/web:indexed' } },
    ]);
  });

  test('prunes no unsaved volume', async () => {
    await expect(mountsOf({ request: { purpose: 'prune' } })).rejects.toMatchObject({ code: 'E_USAGE' });
  });
});

describe('a fork', () => {
  const { argv: _argv, env: _env, purpose: _purpose, mounter: _mounter, strict: _strict, ...forkRequest } = baseRequest;

  test('of a directory is that directory, in the requested order', async () => {
    const { deps } = engineWith({ kind: 'directory', directory: '/mnt/pip' });
    const other = { ...indexedVolume, path: '/elsewhere' };
    // Memory volumes have no directories; only the host's count.
    const fork = await openFork(deps, { ...forkRequest, samePath: false, volumes: [by('fixed:')] });
    expect(fork.volumes.map(({ directory }) => directory)).toEqual(['/mnt/pip']);
    expect(await fork.commit()).toMatchObject([{ name: 'indexed', layer: null, provider: { kind: 'directory' } }]);
    expect(fork.isOpen).toBe(false);
    expect(other.path).toBe('/elsewhere');
  });

  test('fails without its provider', async () => {
    const { deps } = engineWith();
    await expect(openFork(deps, { ...forkRequest, samePath: false, volumes: [by('vault:')] })).rejects.toMatchObject({
      code: 'E_CONFIG',
    });
    expect(await deps.metadata.listSessions(noAbort)).toEqual([]);
  });

  test('of a directory that it may not change fails', async () => {
    const { deps } = engineWith({ kind: 'directory', directory: '/mnt/pip' });
    const request = { ...forkRequest, mode: 'read', samePath: false, volumes: [by('fixed:')] } as const;
    await expect(openFork(deps, request)).rejects.toMatchObject({ code: 'E_VOLUME' });
    expect(await deps.metadata.listSessions(noAbort)).toEqual([]);
  });
});
