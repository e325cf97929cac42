import { describe, expect, test } from 'vitest';
import { ci, derive, inFolder, inputOf, links, named, ofFork, root, sourcesOf } from './context.fixture.ts';
import type { ContextSources } from './context-sources.ts';
import type { Context } from './context.ts';
import { contextWarnings } from './derive-context.ts';

describe('sources of the namespace, first to last', () => {
  const config = { directory: root, namespace: named('teams/web') };
  const noRemote = { repository: { root, remote: null } };

  test.each<readonly [string, Partial<ContextSources>, RegExp | string, string]>([
    ['--namespace', { namespaceFlag: 'a/b', namespaceVariable: 'c/d', config }, 'a/b', '--namespace'],
    ['CACHELANE_NAMESPACE', { namespaceVariable: 'c/d', config }, 'c/d', 'CACHELANE_NAMESPACE'],
    ['an empty variable is none', { namespaceVariable: '', config }, 'teams/web', 'cachelane.yaml:2'],
    ['cachelane.yaml', { config }, 'teams/web', 'cachelane.yaml:2'],
    ['the remote', {}, 'github.com/acme/web', 'remote origin in .git/config'],
    [
      'the remote and the path',
      inFolder('services/My API'),
      'github.com/acme/web/services/My%20API',
      'remote origin in .git/config',
    ],
    ['the path, in a repository', noRemote, /^local\/web-[0-9a-f]{16}$/, 'path of the project directory'],
    ['the path, without one', { repository: null }, /^local\/web-[0-9a-f]{16}$/, 'path of the project directory'],
  ])('%s', (_, changes, namespace, source) => {
    const context = derive(changes);
    expect(context.namespace).toMatch(namespace);
    expect(inputOf(context, 'namespace')).toEqual({ name: 'namespace', value: context.namespace, source });
  });

  test('a forced name is used unchanged, wherever the project is', () => {
    expect(derive({ ...inFolder('services/api'), namespaceFlag: 'a/b' }).namespace).toBe('a/b');
  });

  test('a file above the project names the repository, and the path below is appended', () => {
    const context = derive({ ...inFolder('services/api'), config });
    expect(context.namespace).toBe('teams/web/services/api');
    expect(context.parents).toEqual(['teams/web/services', 'teams/web']);
  });

  test.each<readonly [string, Partial<ContextSources>, string]>([
    ['--namespace', { namespaceFlag: 'GitHub.com/Acme/Web' }, '--namespace: "GitHub.com/Acme/Web"'],
    ['empty --namespace', { namespaceFlag: '' }, '--namespace: ""'],
    ['CACHELANE_NAMESPACE', { namespaceVariable: 'GitHub.com/Acme/Web' }, 'CACHELANE_NAMESPACE: '],
    [
      'cachelane.yaml',
      { config: { directory: root, namespace: named('GitHub.com/Acme/Web', 7) } },
      'cachelane.yaml:7: ',
    ],
    ['parents', { config: { directory: root, parents: [named('x', 8), named('a//b', 9)] } }, 'cachelane.yaml:9: '],
    [
      'a parent below the project, which reads the project',
      { config: { directory: root, parents: [named('github.com/acme/web/site', 8)] } },
      'cachelane.yaml:8: parents lead back to github.com/acme/web: ',
    ],
    [
      'own name as a parent',
      { config: { directory: root, parents: [named('github.com/acme/web', 8)] } },
      'cachelane.yaml:8: ',
    ],
  ])('an invalid value is refused with its source: %s', (_, changes, message) => {
    expect(() => derive(changes)).toThrow(
      expect.objectContaining({ code: 'E_NAMESPACE', message: expect.stringContaining(message) }),
    );
  });
});

describe('the local name', () => {
  test('is the name without any other source', () => {
    expect(derive().localNamespace).toBe(derive({ repository: null }).namespace);
    expect(derive({ namespaceFlag: 'a/b' }).localNamespace).toBe(derive({ repository: null }).namespace);
  });

  test('differs for two directories with the same name', () => {
    const other = derive({ project: { directory: '/home/bob/src/web', source: 'package.json' } });
    expect(other.localNamespace).toMatch(/^local\/web-/);
    expect(other.localNamespace).not.toBe(derive().localNamespace);
  });

  test.each([
    ['/', /^local\/root-[0-9a-f]{16}$/],
    ['/home/ann/my app', /^local\/my%20app-[0-9a-f]{16}$/],
    [`/home/${'x'.repeat(255)}`, /^local\/x{95}~[0-9a-f]{32}$/],
  ])('of %s', (directory, name) => {
    expect(derive({ repository: null, project: { directory, source: '' } }).namespace).toMatch(name);
  });
});

describe('parents', () => {
  test('are the path prefixes', () => {
    expect(derive(inFolder('services/api')).parents).toEqual([
      'github.com/acme/web/services',
      'github.com/acme/web',
      'github.com/acme',
    ]);
  });

  test('of a package in a repository without a remote include the repository', () => {
    const noRemote = { repository: { root, remote: null } };
    const ofRoot = derive(noRemote);
    const ofPackage = derive({ ...noRemote, ...inFolder('packages/a') });
    expect(ofPackage.namespace).toMatch(/^local\/a-/);
    expect(ofPackage.parents).toEqual([ofRoot.namespace]);
    expect(ofRoot.parents).toEqual([]);
  });

  test('are replaced by a list in the file', () => {
    const config = { directory: root, parents: [named('teams/payments', 3), named('github.com/acme', 4)] };
    const context = derive({ config });
    expect(context.parents).toEqual(['teams/payments', 'github.com/acme']);
    expect(inputOf(context, 'parents')).toEqual({
      name: 'parents',
      value: 'teams/payments, github.com/acme',
      source: 'cachelane.yaml:3',
    });
    expect(derive({ config: { directory: root, parents: [] } }).parents).toEqual([]);
  });

  test('of a project below the file are the namespaces between, then the list', () => {
    const config = { directory: root, parents: [named('teams/payments')] };
    expect(derive({ ...inFolder('services/api'), config }).parents).toEqual([
      'github.com/acme/web/services',
      'github.com/acme/web',
      'teams/payments',
    ]);
  });

  test('of a name forced for one command are its own prefixes, not those of the file', () => {
    const config = { directory: root, parents: [named('github.com/acme')] };
    expect(derive({ config, namespaceFlag: 'github.com/acme' }).parents).toEqual([]);
    expect(derive({ config, namespaceVariable: 'ci/x/web' }).parents).toEqual(['ci/x']);
  });

  test('of a forced name in a bounded session are those of the file, if it is about that name', () => {
    const config = { directory: root, parents: [named('teams/payments', 3)] };
    const bounded = { config, isBounded: true, namespaceFlag: 'github.com/acme/web' };
    expect(derive(bounded).parents).toEqual(['teams/payments']);
    expect(inputOf(derive(bounded), 'parents')?.source).toBe('cachelane.yaml:3');
    expect(derive({ ...bounded, isBounded: false }).parents).toEqual(['github.com/acme']);
    expect(derive({ ...bounded, namespaceFlag: 'github.com/acme/api' }).parents).toEqual(['github.com/acme']);
    expect(derive({ ...bounded, config: { ...config, namespace: named('teams/secret') } }).parents).toEqual([
      'github.com/acme',
    ]);
    expect(derive({ ...bounded, platform: ofFork }).parents).toEqual(['github.com/acme']);
  });
});

describe('lane and read chain', () => {
  test('a laptop reads its own lane and the same lane of each parent', () => {
    const context = derive();
    expect(context).toMatchObject({ endpoint: 'local', lane: 't1:local', trust: 'T1', canWrite: true });
    expect(links(context)).toEqual(['github.com/acme/web t1:local', 'github.com/acme t1:local']);
  });

  test('a pull request: own, base, default, the default lane of each parent', () => {
    const context = derive({ platform: ci });
    expect(links(context)).toEqual([
      'github.com/acme/web t1:pr:12',
      'github.com/acme/web t1:ref:next',
      'github.com/acme/web t1:ref:main',
      'github.com/acme t1:ref:main',
    ]);
    expect(inputOf(context, 'base')).toEqual({
      name: 'base',
      value: 'next',
      source: 'GITHUB_BASE_REF in the environment',
    });
  });

  test('a push to the default branch has no link twice', () => {
    const context = derive({ platform: { ...ci, ref: { kind: 'ref', value: 'main', source: 'x' }, base: null } });
    expect(links(context)).toEqual(['github.com/acme/web t1:ref:main', 'github.com/acme t1:ref:main']);
  });

  test('without siblings only the own lane is read', () => {
    const policy = { siblings: 'none', releaseReads: 'release' } as const;
    expect(links(derive({ platform: ci, policy }))).toEqual(['github.com/acme/web t1:pr:12']);
  });

  test('a fork writes nothing, reads the default branch and says why', () => {
    const signal = { level: 'T0', why: 'pull request from a fork', source: 'the event' } as const;
    const context = derive({ platform: { ...ci, signals: [signal] } });
    expect(context).toMatchObject({ lane: 't0:run:8843', trust: 'T0', canWrite: false });
    expect(context.why).toContain('fork');
    expect(links(context).slice(1, 3)).toEqual(['github.com/acme/web t1:ref:main', 'github.com/acme t1:ref:main']);
    expect(inputOf(context, 'trust')).toEqual({
      name: 'trust',
      value: 'T0',
      source: 'pull request from a fork, the event',
    });
    expect(inputOf(context, 'base')).toBeUndefined();
  });
});

describe('names in the file that are not the repository’s own', () => {
  const secret = { directory: root, namespace: named('github.com/acme/secret') };
  const claims = { directory: root, parents: [named('github.com/acme'), named('github.com/acme/secret', 3)] };
  const host = { directory: root, namespace: named('github.com') };
  test.each([secret, host, { directory: root, namespace: named('github.com/acme/web-2') }])(
    'are refused in CI, and told on a laptop: %j',
    (config) => {
      expect(() => derive({ config, platform: ci })).toThrow(
        expect.objectContaining({
          code: 'E_NAMESPACE',
          message: expect.stringMatching(/^cachelane.yaml:\d names \S+, this checkout is github.com\/acme\/web: in CI/),
        }),
      );
      expect(derive({ config }).canWrite).toBe(true);
      expect(contextWarnings(sourcesOf({ config }))).toEqual([expect.stringContaining('this checkout is')]);
      expect(derive({ config, platform: ci, namespaceFlag: 'a/b' }).namespace).toBe('a/b');
      expect(derive({ config, repository: { root, remote: null }, platform: ci }).canWrite).toBe(true);
      expect(contextWarnings(sourcesOf({ config, repository: null }))).toEqual([]);
    },
  );

  test('as parents are claims, which need grants in CI', () => {
    const claim = { parents: [{ namespace: 'github.com/acme/secret', source: 'cachelane.yaml:3' }], shared: null };
    expect(derive({ config: claims, platform: ci }).claimed).toEqual({ ...claim, needGrant: true });
    expect(derive({ config: claims }).claimed).toEqual({ ...claim, needGrant: false });
    expect(contextWarnings(sourcesOf({ config: claims, platform: ci }))).toEqual([]);
    const others: readonly Partial<ContextSources>[] = [
      { parentsVariable: 'github.com/acme/secret' },
      { namespaceFlag: 'a/b' },
      { namespaceVariable: 'a/b' },
      { repository: { root, remote: null } },
    ];
    for (const changes of others) expect(derive({ config: claims, platform: ci, ...changes }).claimed).toBe(undefined);
  });

  test('its own name, names below it and its prefixes need no grant', () => {
    const config = {
      directory: root,
      namespace: named('github.com/acme/web/site'),
      parents: [named('github.com/acme/web'), named('github.com/acme')],
    };
    expect(derive({ config, platform: ci }).namespace).toBe('github.com/acme/web/site');
    expect(contextWarnings(sourcesOf({ config, platform: ci }))).toEqual([]);
    expect(derive({ config, platform: ci }).claimed).toBe(undefined);
  });

  test('are ignored in an untrusted run', () => {
    const signal = { level: 'T0', why: 'pull request from a fork', source: 'the event' } as const;
    const platform = { ...ci, signals: [signal] };
    for (const config of [secret, claims, host]) {
      expect(derive({ config, platform })).toMatchObject({
        namespace: 'github.com/acme/web',
        parents: ['github.com/acme'],
      });
      expect(contextWarnings(sourcesOf({ config, platform }))).toHaveLength(1);
    }
  });
});

describe('a personal tier', () => {
  const asked = { personalTier: 'config.yaml:3' };

  test('is read on request outside CI', () => {
    expect(derive().personalTier).toBe(false);
    const context = derive(asked);
    expect(context.personalTier).toBe(true);
    expect(inputOf(context, 'personal tier')).toMatchObject({ value: 'on', source: 'config.yaml:3' });
    expect(links(context)).not.toContainEqual(expect.stringContaining('~'));
  });

  test('is off on a lane of a CI system', () => {
    const context = derive({ ...asked, platform: ci });
    expect(context.personalTier).toBe(false);
    expect(inputOf(context, 'personal tier')?.value).toMatch(/^off on t1:\S+$/);
  });

  test.each([
    { namespace: named('~') },
    { namespace: named('~/web') },
    { parents: [named('github.com/acme'), named('~')] },
  ])('cannot be named by a file of a repository: %j', (names) => {
    const config = { directory: root, ...names };
    const refused = (): Context => derive({ config, repository: { root, remote: null } });
    expect(refused).toThrow(/^cachelane\.yaml:2: ~(\/web)? is the personal tier of the user$/);
  });
});

describe('inputs', () => {
  test('are listed with value and source', () => {
    expect(derive({ platform: ci }).inputs.map(({ name }) => name)).toEqual([
      'namespace',
      'remote',
      'project',
      'lane',
      'event',
      'base',
      'default',
    ]);
    expect(inputOf(derive(), 'project')).toEqual({ name: 'project', value: root, source: 'package.json' });
  });

  test('contain no password of the remote', () => {
    expect(JSON.stringify(derive())).not.toContain('s3cret');
    expect(inputOf(derive(), 'remote')?.value).toBe('https://GitHub.com/Acme/Web.git');
  });

  test('contain no control characters', () => {
    const context = derive({ platform: { ...ci, event: { value: 'a\u001B[2Jb', source: 'x' } } });
    expect(inputOf(context, 'event')?.value).toBe('a%1B[2Jb');
  });
});
