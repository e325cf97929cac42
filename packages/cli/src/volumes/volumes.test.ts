import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCachelaneError, limits, type Tool } from '@cachelane/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config/config-parse.ts';
import { noChoice, parseSharing } from '../base/choice-argument.ts';
import { anyReach, toolEnvironment } from '../context/tool-environment.ts';
import { noProviders } from '../providers/provider-wishes.ts';
import { parseVolumeArgument } from '../base/volume-argument.ts';
import { selectVolume, selectVolumes, type SelectionRequest } from './volumes.ts';

let dir = '';
let web = '';
let home = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-volumes-')));
  web = join(dir, 'repo/packages/web');
  home = join(dir, 'home');
  mkdirSync(web, { recursive: true });
  mkdirSync(home);
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function tool(name: string, lockfiles: readonly string[], place: string | null): Tool {
  return {
    name,
    rulesVersion: 1,
    summary: name,
    lockfiles,
    locate: ({ homeDir }) => (place === null ? null : { path: join(homeDir, place), source: `${name}'s default` }),
    compat: () => ({}),
    classify: () => ({ kind: 'never', reason: 'not asked here' }),
    commitWhen: 'exit',
    prune: { kind: 'none', why: 'not asked here' },
    sync: 'always',
    versions: 'none',
    stored: [],
    neverStored: [],
    tried: 'not yet',
    redirect: () => null,
    linksOut: false,
  };
}

const npm = tool('npm', ['package-lock.json', 'npm-shrinkwrap.json'], '.npm/_cacache');
const go = tool('go-build', ['go.mod'], '.cache/go-build');
const goMod = tool('go-mod', ['go.mod'], 'go/pkg/mod');
const plain = tool('directory', [], null);

function request(
  more: {
    asked?: readonly string[];
    sharing?: readonly string[];
    config?: string;
    env?: Record<string, string>;
    tools?: readonly Tool[];
  } = {},
): SelectionRequest {
  return {
    asked: (more.asked ?? []).map(parseVolumeArgument),
    sharing: parseSharing(more.sharing ?? []),
    commit: noChoice,
    config: more.config === undefined ? null : parseConfig(more.config, join(dir, 'repo/cachelane.yaml')),
    tools: more.tools ?? [npm, go, goMod, plain],
    environment: toolEnvironment({
      homeDir: home,
      workDir: web,
      os: 'linux',
      arch: 'x64',
      env: more.env ?? {},
      reach: anyReach({ cwd: web, env: {} }),
    }),
    topDir: join(dir, 'repo'),
    storeDir: join(home, '.cache/cachelane'),
    providers: noProviders,
    locked: () => [],
  };
}

const select = (more: Parameters<typeof request>[0] = {}) => selectVolumes(request(more));
const shown = (more: Parameters<typeof request>[0] = {}) =>
  select(more).volumes.map(({ request: { name, tool: by, source }, path }) => [
    name,
    by,
    path.replace(dir, ''),
    source,
  ]);

function problem(work: () => unknown): readonly [string, string] {
  try {
    work();
  } catch (error) {
    if (isCachelaneError(error)) return [error.code, error.message];
    throw error;
  }
  return ['', 'no problem'];
}

describe('named by -v', () => {
  test('git’s own directory is left out, also by a symlink', () => {
    mkdirSync(join(dir, 'repo/.git/objects'), { recursive: true });
    symlinkSync('../../.git/objects', join(web, 'link'));
    const { volumes, dropped } = select({ asked: ['x:../../.git', 'y:link', 'npm'] });
    expect(volumes.map(({ request: { name } }) => name)).toEqual(['npm']);
    expect(dropped.map(({ code }) => code)).toEqual(['E_MOUNT_POINT', 'E_MOUNT_POINT']);
    expect(dropped[0]?.message).toContain('would hide the git repository');
  });

  test('a tool, a place for a tool, a directory', () => {
    expect(shown({ asked: ['npm', 'go-build:/gocache', 'data:x/../out', 'tilde:~/t'] })).toEqual([
      ['npm', 'npm', '/home/.npm/_cacache', '-v'],
      ['go-build', 'go-build', '/gocache', '-v'],
      ['data', 'directory', '/repo/packages/web/out', '-v'],
      ['tilde', 'directory', '/home/t', '-v'],
    ]);
  });

  test('another namespace', () => {
    expect(select({ asked: ['github.com/acme/api:npm'] }).volumes[0]?.request.namespace).toBe('github.com/acme/api');
  });

  test('a repeated volume is left out with the reason', () => {
    const { volumes, dropped } = select({ asked: ['npm', 'npm'] });
    expect(volumes).toHaveLength(1);
    expect(dropped).toMatchObject([
      { message: 'the volume npm (-v) is left out: it is named twice', hint: 'name it once' },
    ]);
    const other = select({ asked: ['a:x', 'github.com/acme/api:a:x'] });
    expect(other.dropped[0]?.message).toMatch(
      /^the volume github\.com\/acme\/api:a \(-v\) is left out: another volume is already at /,
    );
  });

  test('one volume can have two paths', () => {
    expect(select({ asked: ['a:x', 'a:y'] }).volumes).toHaveLength(2);
  });

  test('an unknown name', () => {
    expect(problem(() => select({ asked: ['nmp'] }))).toEqual(['E_VOLUME', 'there is no tool nmp; did you mean npm?']);
    expect(problem(() => select({ asked: ['directory'] }))[0]).toBe('E_VOLUME');
    expect(() => select({ asked: ['github.com/acme/api:nmp'] })).toThrow(
      expect.objectContaining({
        hint: 'for any other directory, give its path after the name: github.com/acme/api:nmp:/path',
      }),
    );
  });

  test('a tool without a path is left to the engine, which gives the reason', () => {
    const volume = selectVolume(parseVolumeArgument('npm'), request());
    expect(volume).toMatchObject({ request: { path: null }, pathSource: "npm's default" });
  });

  test('settings of the file about a name holds for the flag', () => {
    const config = 'volumes:\n  cache: { tool: npm, path: c, compat: { image: a } }\n  other: { path: o }';
    expect(select({ asked: ['cache'], config }).volumes).toMatchObject([
      {
        request: { name: 'cache', tool: 'npm', compat: { image: 'a' }, source: 'cachelane.yaml:2' },
        path: join(dir, 'repo/c'),
      },
    ]);
    expect(shown({ asked: ['cache:/elsewhere'], config })).toEqual([['cache', 'npm', '/elsewhere', '-v']]);
  });
});

describe('named by the file', () => {
  test('in its order, with its lines', () => {
    expect(
      shown({ config: 'volumes:\n  go-build: {}\n  npm: {}\n  out: { path: dist/.cache }\n  m: { path: ~/.m }' }),
    ).toEqual([
      ['go-build', 'go-build', '/home/.cache/go-build', 'cachelane.yaml:2'],
      ['npm', 'npm', '/home/.npm/_cacache', 'cachelane.yaml:3'],
      ['out', 'directory', '/repo/dist/.cache', 'cachelane.yaml:4'],
      ['m', 'directory', '/home/.m', 'cachelane.yaml:5'],
    ]);
  });

  test('a file without volumes leaves it to the lockfiles, one with none means none', () => {
    writeFileSync(join(web, 'go.mod'), '');
    expect(shown({ config: 'namespace: a/b' })).toHaveLength(2);
    expect(shown({ config: 'volumes: {}' })).toEqual([]);
  });

  test('invalid settings are reported with their line', () => {
    expect(problem(() => select({ config: 'volumes:\n  npn: {}' }))).toEqual([
      'E_CONFIG',
      'cachelane.yaml:2: npn needs a path or a tool; did you mean npm?',
    ]);
    expect(problem(() => select({ config: 'volumes:\n  x:\n    tool: gobuild' }))).toEqual([
      'E_CONFIG',
      'cachelane.yaml:3: there is no tool gobuild; did you mean go-build?',
    ]);
  });

  test('a symlink in the repository does not lead out of it', () => {
    symlinkSync('/etc', join(dir, 'repo/link'));
    symlinkSync('.', join(dir, 'repo/self'));
    symlinkSync('/', join(home, 'all'));
    for (const path of ['link', 'link/deep/er', 'self', '~/all/x']) {
      const [code, message] = problem(() => select({ config: `volumes:\n  x: { path: "${path}" }` }));
      expect(code).toBe('E_CONFIG');
      expect(message).toMatch(/leads out of the (project|home directory) by a symlink$/);
    }
  });
});

const at = (path: string, byProject: boolean) =>
  select({ tools: [{ ...npm, locate: () => ({ path, source: 'cache in .npmrc', byProject }) }] });

const seedOf = (source: string) =>
  select({ config: `volumes:\n  npm: { source: "${source}" }` }).volumes[0]?.request.seed;

describe('a source in cachelane.yaml', () => {
  test('is a directory of the project, where it really lies', () => {
    mkdirSync(join(dir, 'repo/stock'));
    symlinkSync('stock', join(dir, 'repo/link'));
    const seed = { kind: 'directory', directory: realpathSync(join(dir, 'repo/stock')) };
    expect(seedOf('./stock')).toEqual(seed);
    expect(seedOf('link/')).toEqual(seed);
    expect(select({ config: 'volumes:\n  npm: {}' }).volumes[0]?.request.seed).toBeNull();
    expect(select({ asked: ['npm'] }).volumes[0]?.request.seed).toBeNull();
  });

  test('does not lead out of it by a symlink', () => {
    symlinkSync('/etc', join(dir, 'repo/link'));
    symlinkSync(home, join(dir, 'repo/home'));
    for (const source of ['link', 'home/.npm', 'link/ssl']) {
      expect(problem(() => seedOf(source))).toEqual([
        'E_CONFIG',
        `cachelane.yaml:2: source "${source}" leads out of the project by a symlink`,
      ]);
    }
  });
});

describe('paths that a file of the repository may not choose', () => {
  test.each(['.ssh', '.ssh/x', '.aws', '.gnupg', '.kube', '.config'])('~/%s in cachelane.yaml', (path) => {
    const [code, message] = problem(() => select({ config: `volumes:\n  x: { path: ~/${path} }` }));
    expect([code, message]).toEqual(['E_CONFIG', expect.stringContaining('contains credentials')]);
    expect(select({ asked: [`x:~/${path}`] }).volumes).toHaveLength(1);
  });

  test('a tool’s project settings reach no further than cachelane.yaml', () => {
    writeFileSync(join(web, 'package-lock.json'), '');
    for (const path of ['/srv/npm', join(home, '.ssh'), home]) {
      const { volumes, dropped } = at(path, true);
      expect(volumes).toEqual([]);
      expect(dropped[0]).toMatchObject({ code: 'E_MOUNT_POINT', message: expect.stringContaining('cache in .npmrc') });
    }
    expect(at('/srv/npm', false).volumes).toHaveLength(1);
    expect(at(join(home, '.npm'), true).volumes).toHaveLength(1);
    expect(at(join(web, '.npm'), true).volumes).toHaveLength(1);
  });
});

describe('detected', () => {
  test('by lockfiles from the working directory to the top of the project, in the order of the tools', () => {
    writeFileSync(join(web, 'go.mod'), '');
    writeFileSync(join(dir, 'repo/package-lock.json'), '');
    expect(shown()).toEqual([
      ['npm', 'npm', '/home/.npm/_cacache', '../../package-lock.json'],
      ['go-build', 'go-build', '/home/.cache/go-build', 'go.mod'],
      ['go-mod', 'go-mod', '/home/go/pkg/mod', 'go.mod'],
    ]);
  });

  test('not above the project, and not by directories', () => {
    writeFileSync(join(dir, 'package-lock.json'), '');
    mkdirSync(join(web, 'go.mod'));
    expect(shown()).toEqual([]);
  });
});

describe('--sharing', () => {
  test('wins over the file, for all volumes or for the named one', () => {
    const config = 'volumes:\n  npm: { sharing: LOCKED }\n  m: { path: ~/.m }';
    const modes = (...sharing: string[]) =>
      select({ config, sharing }).volumes.map(({ request: { sharing } }) => sharing);
    expect(modes()).toEqual(['LOCKED', null]);
    expect(modes('SHARED')).toEqual(['SHARED', 'SHARED']);
    expect(modes('m=shared', 'PRIVATE')).toEqual(['PRIVATE', 'SHARED']);
  });

  test('that names an unknown volume is refused with the run’s volumes', () => {
    expect(problem(() => select({ asked: ['npm', 'data:x'], sharing: ['dat=SHARED'] }))).toEqual([
      'E_USAGE',
      '--sharing names dat, which is not a volume of this run; did you mean data?',
    ]);
    expect(problem(() => select({ sharing: ['npm=SHARED'] }))[0]).toBe('E_USAGE');
  });
});

function put(path: string): void {
  mkdirSync(join(web, path, '..'), { recursive: true });
  writeFileSync(join(web, path), '');
}

const sources = (more: Parameters<typeof request>[0] = {}) => shown(more).map(([name, , , source]) => [name, source]);

describe('detected in the parts of a repository', () => {
  beforeEach(() => mkdirSync(join(dir, 'repo/.git')));

  test('the nearest lockfile counts, then the first', () => {
    put('services/b/go.mod');
    put('apps/a/api/go.mod');
    put('apps/a/package-lock.json');
    expect(sources()).toEqual([
      ['npm', 'apps/a/package-lock.json'],
      ['go-build', 'services/b/go.mod'],
      ['go-mod', 'services/b/go.mod'],
    ]);
    writeFileSync(join(dir, 'repo/go.mod'), '');
    expect(sources()).toEqual([
      ['npm', 'apps/a/package-lock.json'],
      ['go-build', '../../go.mod'],
      ['go-mod', '../../go.mod'],
    ]);
    expect(sources({ config: 'volumes: {}' })).toEqual([]);
  });

  test.each([
    'a/b/c/d/go.mod',
    'node_modules/left/go.mod',
    '.cache/a/go.mod',
    'pkg/testdata/go.mod',
    'vendor/a/go.mod',
    'examples/go/go.mod',
  ])('not %s', (path) => {
    put(path);
    expect(sources()).toEqual([]);
  });

  test('not a clone, a link, a home directory, or without a repository', () => {
    put('other/go.mod');
    mkdirSync(join(web, 'other/.git'));
    mkdirSync(join(dir, 'elsewhere'));
    writeFileSync(join(dir, 'elsewhere/go.mod'), '');
    symlinkSync(join(dir, 'elsewhere'), join(web, 'link'));
    expect(sources()).toEqual([]);
    put('mine/go.mod');
    expect(sources()).toHaveLength(2);
    const inHome = request();
    expect(selectVolumes({ ...inHome, environment: { ...inHome.environment, homeDir: web } }).volumes).toEqual([]);
    rmSync(join(dir, 'repo/.git'), { recursive: true });
    expect(sources()).toEqual([]);
  });

  test('only if the tool has one place for both', () => {
    put('packages/a/package-lock.json');
    put('packages/a/elsewhere');
    const moved: Tool = {
      ...npm,
      locate(environment) {
        const isMoved = environment.readText(join(environment.workDir, 'elsewhere')) !== undefined;
        return { path: join(environment.homeDir, isMoved ? 'moved' : '.npm'), source: 'test' };
      },
    };
    expect(sources({ tools: [moved] })).toEqual([]);
    put('packages/b/package-lock.json');
    expect(sources({ tools: [moved] })).toEqual([['npm', 'packages/b/package-lock.json']]);
  });

  test('the number of searched directories is limited', () => {
    for (let index = 0; index < limits.partsLookedInto + 5; index++) mkdirSync(join(web, `d${1000 + index}`));
    put(`d${999 + limits.partsLookedInto}/package-lock.json`);
    put(`d${1000 + limits.partsLookedInto}/go.mod`);
    expect(sources()).toEqual([['npm', `d${999 + limits.partsLookedInto}/package-lock.json`]]);
  });
});

describe('overlapping volumes', () => {
  test('the first one stays', () => {
    const { volumes, dropped } = select({ asked: ['a:/x/y', 'b:/x', 'c:/x/y', 'd:/z'] });
    expect(volumes.map(({ request: { name } }) => name)).toEqual(['a', 'd']);
    expect(dropped.map(({ name, code }) => [name, code])).toEqual([
      ['b', 'E_MOUNT_POINT'],
      ['c', 'E_MOUNT_POINT'],
    ]);
  });

  test('two names of one place by a symlink', () => {
    mkdirSync(join(dir, 'place'));
    symlinkSync('place', join(dir, 'alias'));
    expect(select({ asked: [`a:${dir}/place`, `b:${dir}/alias`] }).dropped).toHaveLength(1);
  });

  test('a volume on the whole home directory is left out, wherever the project is', () => {
    const { volumes, dropped } = select({ asked: ['a:~', `b:${home}/x/..`, 'c:~/x'] });
    expect(volumes.map(({ request: { name } }) => name)).toEqual(['c']);
    expect(dropped.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('a volume on the working directory or the store is left out', () => {
    const { dropped } = select({ asked: ['a:.', 'b:../..', 'c:~/.cache/cachelane', 'd:~/.cache'] });
    expect(dropped.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  });
});
