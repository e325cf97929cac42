import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectFiles } from '@cachelane/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFiles } from '../base/file-reader.ts';
import { findProject, type Project } from './find-project.ts';

let base = '';
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-project-')));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Makes files below the test's directory; a path that ends in `/` is a directory. */
function tree(...paths: readonly string[]): void {
  for (const path of paths) {
    const full = join(base, path);
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(full, path.endsWith('HEAD') ? 'ref: refs/heads/main\n' : '');
  }
}

function find(
  cwd: string,
  homeDir: string | null = null,
): Project & { readonly at: string; readonly config: string | null } {
  const project = findProject({
    cwd: join(base, cwd),
    homeDir: homeDir === null ? null : join(base, homeDir),
    files: nodeFiles,
  });
  const below = (path: string): string => path.slice(base.length + 1);
  return {
    ...project,
    at: below(project.directory),
    config: project.configPath === null ? null : below(project.configPath),
  };
}

describe('in a git work tree', () => {
  test('the nearest directory with a file that a tool knows', () => {
    tree(
      'web/.git/HEAD',
      'web/package.json',
      'web/packages/a/package.json',
      'web/packages/a/src/x/',
      'web/packages/b/go.mod',
      'web/docs/',
    );
    expect(find('web')).toMatchObject({ at: 'web', source: 'package.json' });
    expect(find('web/docs').at).toBe('web');
    expect(find('web/packages').at).toBe('web');
    expect(find('web/packages/a')).toMatchObject({ at: 'web/packages/a', source: 'package.json' });
    expect(find('web/packages/a/src/x').at).toBe('web/packages/a');
    expect(find('web/packages/b')).toMatchObject({ at: 'web/packages/b', source: 'go.mod' });
  });

  test('otherwise the root of the work tree', () => {
    tree('package.json', 'web/.git/HEAD', 'web/src/');
    expect(find('web/src')).toMatchObject({ at: 'web', source: 'root of the git repository' });
  });

  test('the home directory does not end the search', () => {
    tree('home/.git/HEAD', 'home/package.json', 'home/ann/x/');
    expect(find('home/ann/x', 'home/ann').at).toBe('home');
  });

  test.each(projectFiles)('%s makes a project', (name) => {
    tree('web/.git/HEAD', `web/a/${name}`, 'web/a/src/');
    expect(find('web/a/src')).toMatchObject({ at: 'web/a', source: name });
  });

  test('a directory of that name is no project', () => {
    tree('web/.git/HEAD', 'web/a/package.json/');
    expect(find('web/a').at).toBe('web');
  });

  test('cachelane.yaml: the own one, else the nearest above in the repository, never one above that', () => {
    tree('cachelane.yaml', 'web/.git/HEAD', 'web/a/package.json', 'web/b/cachelane.yaml', 'web/b/c/go.mod');
    expect(find('web/a').config).toBeNull();
    tree('web/cachelane.yaml');
    expect(find('web/a').config).toBe('web/cachelane.yaml');
    expect(find('web').config).toBe('web/cachelane.yaml');
    expect(find('web/b')).toMatchObject({ at: 'web/b', config: 'web/b/cachelane.yaml', source: 'cachelane.yaml' });
    expect(find('web/b/c')).toMatchObject({ at: 'web/b/c', config: 'web/b/cachelane.yaml' });
  });

  test('a directory or broken symlink of that name is found too', () => {
    tree('a/.git/HEAD', 'a/cachelane.yaml/', 'b/.git/HEAD', 'b/sub/');
    symlinkSync('nowhere', join(base, 'b/cachelane.yaml'));
    expect(find('a').config).toBe('a/cachelane.yaml');
    expect(find('b/sub').config).toBe('b/cachelane.yaml');
  });
});

function sentence(path: string): string {
  return `${join(base, path)} is ignored: the file must be named cachelane.yaml`;
}

describe('a cachelane.yml', () => {
  test('gives a warning wherever the file would count', () => {
    tree('x/cachelane.yml', 'web/.git/HEAD', 'web/cachelane.yml', 'web/a/package.json', 'web/a/cachelane.yml');
    expect(find('x')).toMatchObject({ config: null, warnings: [sentence('x/cachelane.yml')] });
    expect(find('web/a').warnings).toEqual([sentence('web/a/cachelane.yml'), sentence('web/cachelane.yml')]);
  });

  test('gives no warning above the file that counts', () => {
    tree('web/.git/HEAD', 'web/cachelane.yml', 'web/a/cachelane.yaml');
    expect(find('web/a').warnings).toEqual([]);
  });
});

describe('without git', () => {
  test('the nearest such directory, not above the home directory', () => {
    tree('package.json', 'ann/x/go.mod', 'ann/x/src/', 'ann/y/src/');
    expect(find('ann/x/src', 'ann')).toMatchObject({ at: 'ann/x', source: 'go.mod', repository: null });
    expect(find('ann/y/src', 'ann')).toMatchObject({ at: 'ann/y/src', source: 'working directory' });
  });

  test('a home directory that is a symlink is the same bound', () => {
    tree('package.json', 'real/y/');
    symlinkSync(join(base, 'real'), join(base, 'ann'));
    expect(find('ann/y', 'ann')).toMatchObject({ at: 'real/y', source: 'working directory' });
  });

  test('outside of the home directory: up to the root', () => {
    tree('app/package.json', 'app/src/deep/', 'home/ann/');
    expect(find('app/src/deep', 'home/ann').at).toBe('app');
    expect(find('app/src/deep').at).toBe('app');
  });

  test('a file in a shared directory applies only there', () => {
    tree('tmp/package.json', 'tmp/ann/');
    chmodSync(join(base, 'tmp'), 0o1777);
    expect(find('tmp/ann').at).toBe('tmp/ann');
    expect(find('tmp').at).toBe('tmp');
  });

  test('and so do repositories and configurations, sticky or not', () => {
    tree('tmp/.git/HEAD', 'tmp/cachelane.yaml', 'tmp/ann/x/');
    chmodSync(join(base, 'tmp'), 0o1777);
    expect(find('tmp/ann/x')).toMatchObject({ at: 'tmp/ann/x', config: null, repository: null });
    // Our own without the sticky bit is a checkout under umask 0.
    chmodSync(join(base, 'tmp'), 0o777);
    expect(find('tmp/ann/x')).toMatchObject({ at: 'tmp', config: 'tmp/cachelane.yaml' });
  });

  // Only root can give files away.
  test.runIf(process.geteuid?.() === 0)(
    'files of another user above are ignored, but a checkout of another user counts',
    () => {
      tree('shared/.git/HEAD', 'shared/cachelane.yaml', 'shared/x/');
      for (const path of ['shared/.git', 'shared/cachelane.yaml']) chownSync(join(base, path), 4711, 4711);
      expect(find('shared/x')).toMatchObject({ at: 'shared/x', config: null, repository: null });
      for (const path of ['shared', 'shared/x']) chownSync(join(base, path), 4711, 4711);
      expect(find('shared/x')).toMatchObject({ at: 'shared', config: 'shared/cachelane.yaml' });
      chownSync(join(base, 'shared/x'), 0, 0);
      chmodSync(join(base, 'shared'), 0o777);
      expect(find('shared/x').repository).toBeNull();
    },
  );

  test('an unreadable file of that name is found, so that it is reported', () => {
    tree('x/cachelane.yaml/', 'y/sub/');
    symlinkSync('nowhere', join(base, 'y/cachelane.yaml'));
    expect(find('x').config).toBe('x/cachelane.yaml');
    expect(find('y/sub').config).toBe('y/cachelane.yaml');
  });

  test('cachelane.yaml makes a project', () => {
    tree('x/cachelane.yaml', 'x/y/z/');
    expect(find('x/y/z', '')).toMatchObject({ at: 'x', config: 'x/cachelane.yaml' });
  });
});

test('the directory is the real path', () => {
  tree('real/web/.git/HEAD', 'real/web/a/package.json');
  symlinkSync(join(base, 'real/web/a'), join(base, 'link'));
  expect(find('link')).toMatchObject({ at: 'real/web/a', source: 'package.json' });
  expect(find('link').repository?.root).toBe(join(base, 'real/web'));
});

test('a directory that does not exist', () => {
  expect(() => find('nowhere')).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
});
