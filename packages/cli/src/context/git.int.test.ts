import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeFiles } from '../base/file-reader.ts';
import { parseGitConfig } from './git-config.ts';
import { findRepository, type GitRepository } from './git.ts';

let base = '';
const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

function git(directory: string, ...args: readonly string[]): string {
  const options = [
    '-c',
    'user.name=Ann',
    '-c',
    'user.email=ann@example.com',
    '-c',
    'init.defaultBranch=main',
    '-c',
    'protocol.file.allow=always',
  ];
  return execFileSync('git', [...options, ...args], {
    cwd: directory,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** Adds remotes by name. */
function add(directory: string, ...names: readonly string[]): void {
  for (const name of names) git(directory, 'remote', 'add', name, `https://example.com/${name}/x.git`);
}

let count = 0;
function fresh(): string {
  const directory = join(base, `r${++count}`);
  mkdirSync(directory);
  return directory;
}

/** A repository with one commit. */
function repository(...initArgs: readonly string[]): string {
  const directory = fresh();
  git(directory, 'init', '--quiet', ...initArgs);
  commit(directory);
  return directory;
}

function commit(directory: string): string {
  git(directory, 'commit', '--quiet', '--allow-empty', '--message', 'x');
  return git(directory, 'rev-parse', 'HEAD');
}

function find(directory: string): GitRepository {
  const found = findRepository(realpathSync(directory), nodeFiles);
  if (found === null) throw new Error(`no repository at ${directory}`);
  return found;
}

requireCommands('git')('repositories made by git', () => {
  beforeAll(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-git-')));
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  test('a fresh one: no commit, no remote', () => {
    const directory = fresh();
    git(directory, 'init', '--quiet');
    expect(find(directory)).toEqual({
      root: directory,
      gitDir: join(directory, '.git'),
      commonDir: join(directory, '.git'),
      branch: 'main',
      remote: null,
      revision: null,
    });
  });

  test('is found from below', () => {
    const directory = repository();
    mkdirSync(join(directory, 'a/b'), { recursive: true });
    expect(find(join(directory, 'a/b')).root).toBe(directory);
  });

  test('no repository', () => {
    expect(findRepository(base, nodeFiles)).toBeNull();
    const directory = fresh();
    mkdirSync(join(directory, '.git'));
    expect(findRepository(directory, nodeFiles)).toBeNull();
    const pointing = fresh();
    writeFileSync(join(pointing, '.git'), 'gitdir: ../nowhere\n');
    expect(findRepository(pointing, nodeFiles)).toBeNull();
  });

  describe('HEAD', () => {
    test('loose, packed, packed and moved again', () => {
      const directory = repository();
      const first = git(directory, 'rev-parse', 'HEAD');
      expect(find(directory).revision).toBe(first);
      git(directory, 'branch', 'main2');
      git(directory, 'tag', '-a', '-m', 'x', 'v1');
      git(directory, 'pack-refs', '--all');
      expect(find(directory).revision).toBe(first);
      expect(find(directory).revision).not.toBe(commit(directory));
      expect(find(directory).revision).toBe(git(directory, 'rev-parse', 'HEAD'));
    });

    test('a branch whose name is the suffix of another', () => {
      const directory = repository();
      git(directory, 'checkout', '--quiet', '-b', 'x/refs/heads/main');
      const other = commit(directory);
      git(directory, 'pack-refs', '--all');
      expect(find(directory)).toMatchObject({ revision: other, branch: 'x/refs/heads/main' });
      git(directory, 'checkout', '--quiet', 'main');
      expect(find(directory).revision).toBe(git(directory, 'rev-parse', 'main'));
    });

    test('detached', () => {
      const directory = repository();
      const first = git(directory, 'rev-parse', 'HEAD');
      commit(directory);
      git(directory, 'checkout', '--quiet', '--detach', first);
      expect(find(directory)).toMatchObject({ branch: null, revision: first });
    });

    test('a symbolic branch', () => {
      const directory = repository();
      git(directory, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
      git(directory, 'symbolic-ref', 'HEAD', 'refs/heads/alias');
      expect(find(directory)).toMatchObject({ branch: 'alias', revision: git(directory, 'rev-parse', 'HEAD') });
    });

    test('SHA-256', () => {
      const directory = repository('--object-format=sha256');
      expect(find(directory).revision).toMatch(/^[0-9a-f]{64}$/);
      expect(find(directory).revision).toBe(git(directory, 'rev-parse', 'HEAD'));
    });

    test('refs not stored as files: no revision, but the remote', () => {
      const directory = repository('--ref-format=reftable');
      git(directory, 'remote', 'add', 'origin', 'https://example.com/a/b.git');
      expect(find(directory)).toMatchObject({ revision: null, remote: { name: 'origin' } });
    });

    test('a ref that leads out of the directory', () => {
      const directory = repository();
      for (const head of [
        'ref: ../../x',
        'ref: refs/../../x',
        'ref: refs/heads/../../../x',
        'x',
        '',
        'ref: refs/heads/main/x',
      ]) {
        writeFileSync(join(directory, '.git/HEAD'), head);
        expect(find(directory).revision).toBeNull();
      }
    });
  });

  describe('the remote', () => {
    test('origin, in any position', () => {
      const directory = repository();
      add(directory, 'ann', 'origin');
      git(directory, 'config', 'branch.main.remote', 'ann');
      expect(find(directory).remote).toEqual({ name: 'origin', url: 'https://example.com/origin/x.git' });
    });

    test('else the one that the branch follows', () => {
      const directory = repository();
      add(directory, 'ann', 'upstream');
      git(directory, 'config', 'branch.main.remote', 'upstream');
      expect(find(directory).remote?.name).toBe('upstream');
      git(directory, 'checkout', '--quiet', '-b', 'other');
      expect(find(directory).remote?.name).toBe('ann');
    });

    test('else the only one, else the first', () => {
      const directory = repository();
      add(directory, 'zoe');
      expect(find(directory).remote?.name).toBe('zoe');
      add(directory, 'ann');
      expect(find(directory).remote?.name).toBe('zoe');
    });

    test('a remote without a url is ignored; of several urls the first counts', () => {
      const directory = repository();
      git(directory, 'config', 'remote.origin.fetch', 'x');
      add(directory, 'ann');
      expect(find(directory).remote?.name).toBe('ann');
      git(directory, 'config', '--add', 'remote.ann.url', 'https://example.com/second');
      git(directory, 'config', 'remote.ann.pushurl', 'https://example.com/push');
      expect(find(directory).remote?.url).toBe('https://example.com/ann/x.git');
    });

    test('a branch that follows the repository itself', () => {
      const directory = repository();
      add(directory, 'ann');
      git(directory, 'config', 'branch.main.remote', '.');
      expect(find(directory).remote?.name).toBe('ann');
    });

    test('insteadOf and include are not followed', () => {
      const directory = repository();
      git(directory, 'remote', 'add', 'origin', 'gh:acme/web');
      git(directory, 'config', 'url.https://github.com/.insteadOf', 'gh:');
      writeFileSync(join(directory, '.git/more'), '[remote "origin"]\nurl = https://example.com/other\n');
      git(directory, 'config', 'include.path', 'more');
      expect(git(directory, 'remote', 'get-url', 'origin')).not.toBe('gh:acme/web');
      expect(find(directory).remote?.url).toBe('gh:acme/web');
    });

    test('a clone of a bare repository on disk', () => {
      const bare = join(fresh(), 'web.git');
      git(base, 'clone', '--quiet', '--bare', repository(), bare);
      const clone = join(fresh(), 'web');
      git(base, 'clone', '--quiet', bare, clone);
      expect(find(clone).remote).toEqual({ name: 'origin', url: bare });
      expect(findRepository(bare, nodeFiles)).toBeNull();
    });

    test('a relative path means the same from every work tree', () => {
      const directory = repository();
      git(directory, 'remote', 'add', 'origin', '../web.git');
      const tree = join(fresh(), 'deep/tree');
      git(directory, 'worktree', 'add', '--quiet', tree);
      expect(find(directory).remote?.url).toBe(join(base, 'web.git'));
      expect(find(tree).remote?.url).toBe(join(base, 'web.git'));
    });
  });

  test('a worktree: its own HEAD, the shared configuration', () => {
    const directory = repository();
    git(directory, 'remote', 'add', 'origin', 'https://example.com/a/b.git');
    const tree = join(fresh(), 'tree');
    git(directory, 'worktree', 'add', '--quiet', '-b', 'side', tree);
    const side = commit(tree);
    expect(find(tree)).toMatchObject({
      root: tree,
      commonDir: join(directory, '.git'),
      branch: 'side',
      remote: { url: 'https://example.com/a/b.git' },
      revision: side,
    });
    expect(find(directory).revision).not.toBe(side);
    git(directory, 'pack-refs', '--all');
    expect(find(tree).revision).toBe(side);
  });

  test('a submodule is a repository of its own', () => {
    const library = repository();
    const directory = repository();
    git(directory, 'submodule', '--quiet', 'add', library, 'lib');
    const found = find(join(directory, 'lib'));
    expect(found.root).toBe(join(directory, 'lib'));
    expect(found.gitDir).toBe(join(directory, '.git/modules/lib'));
    expect(found.remote?.url).toBe(library);
    expect(found.revision).toBe(git(library, 'rev-parse', 'HEAD'));
  });

  test('a git directory elsewhere, and one that is a symlink', () => {
    const directory = fresh();
    const elsewhere = join(fresh(), 'store');
    git(directory, 'init', '--quiet', `--separate-git-dir=${elsewhere}`);
    const first = commit(directory);
    expect(find(directory)).toMatchObject({ root: directory, gitDir: elsewhere, revision: first });
    const linked = fresh();
    symlinkSync(join(repository(), '.git'), join(linked, '.git'));
    expect(find(linked)).toMatchObject({ root: linked, branch: 'main' });
  });

  test('a directory of another user, which git refuses', () => {
    const directory = repository();
    const first = git(directory, 'rev-parse', 'HEAD');
    // Only root can give a directory away; for others the second half of this is the whole.
    if (process.getuid?.() === 0) {
      chownSync(directory, 4711, 4711);
      chownSync(join(directory, '.git'), 4711, 4711);
      expect(() => git(directory, 'rev-parse', 'HEAD')).toThrow('dubious ownership');
    }
    expect(find(directory).revision).toBe(first);
  });

  test('a pipe instead of a file does not hang', () => {
    const directory = repository();
    rmSync(join(directory, '.git/config'));
    execFileSync('mkfifo', [join(directory, '.git/config')]);
    expect(find(directory)).toMatchObject({ root: directory, remote: null });
  });

  test('the parser agrees with git about every entry of real configuration files', () => {
    const directory = repository();
    git(directory, 'config', 'remote.o "x" \\y.url', 'https://example.com/a b#c;d');
    git(directory, 'config', 'a.long', `  lead \ttab "quoted" back\\slash\nnew line; # no comment  `);
    git(directory, 'config', 'A.Sub.Key', 'v');
    const text = `${nodeFiles.readText(join(directory, '.git/config')) ?? ''}[b]\n\tflag\n\tx = 1 \\\n 2 ; c\n[c "D"] y = "z" # e\n`;
    const file = join(dirname(directory), 'config-file');
    writeFileSync(file, text);
    const told = git(base, 'config', '--file', file, '--list', '-z');
    const expected = told.split('\0').filter((line) => line !== '');
    const read = parseGitConfig(text).map(({ section, subsection, name, value }) => {
      const key = subsection === null ? `${section}.${name}` : `${section}.${subsection}.${name}`;
      return value === null ? key : `${key}\n${value}`;
    });
    expect(read).toEqual(expected);
  });
});
