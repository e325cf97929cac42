import { chmodSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ContextRequest, gatherContext, type GatheredContext } from './context.ts';
import { type FileReader, nodeFiles } from '../base/file-reader.ts';
import { findProject } from './find-project.ts';

let base = '';
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-context-')));
  // Directories of tests are open to all below /tmp; ours is like a home.
  chmodSync(base, 0o700);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(path: string, text = ''): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), text);
}

const commit = '0123456789abcdef0123456789abcdef01234567';

function monorepo(): void {
  write('web/.git/HEAD', 'ref: refs/heads/main\n');
  write('web/.git/refs/heads/main', `${commit}\n`);
  write('web/.git/config', '[remote "origin"]\n\turl = git@github.com:Acme/Web.git\n');
  write('web/package.json', '{"workspaces":["packages/*"]}');
  write('web/packages/a/package.json');
  write('web/packages/a/src/index.js');
  write('web/packages/b/package.json');
  write('web/go.work');
  write('web/tools/gen/go.mod');
}

function gather(cwd: string, changes: Partial<ContextRequest> = {}): GatheredContext {
  return gatherContext({
    cwd: join(base, cwd),
    namespaceFlag: null,
    env: {},
    homeDir: base,
    config: null,
    files: nodeFiles,
    ...changes,
  });
}

describe('a monorepo', () => {
  beforeEach(monorepo);

  test('each package has its own namespace, and the root has the remote’s alone', () => {
    expect(gather('web').context.namespace).toBe('github.com/acme/web');
    expect(gather('web/packages/a').context.namespace).toBe('github.com/acme/web/packages/a');
    expect(gather('web/packages/a/src').context.namespace).toBe('github.com/acme/web/packages/a');
    expect(gather('web/packages/b').context.namespace).toBe('github.com/acme/web/packages/b');
    expect(gather('web/tools/gen').context.namespace).toBe('github.com/acme/web/tools/gen');
  });

  test('members of a workspace read the root’s', () => {
    for (const member of ['web/packages/a', 'web/tools/gen']) {
      expect(gather(member).context.parents).toContain('github.com/acme/web');
    }
  });

  test('the result', () => {
    const { ino, dev, birthtimeNs } = statSync(join(base, 'web/packages/a'), { bigint: true });
    const gathered = gather('web/packages/a/src');
    expect(gathered).toMatchObject({
      projectDir: join(base, 'web/packages/a'),
      gitRoot: join(base, 'web'),
      directory: { path: join(base, 'web/packages/a'), identity: `${dev}:${ino}:${birthtimeNs}` },
      revision: commit,
      workflow: null,
    });
    expect(gathered.context.inputs).toEqual([
      { name: 'namespace', value: 'github.com/acme/web/packages/a', source: 'remote origin in .git/config' },
      { name: 'remote', value: 'github.com:Acme/Web.git', source: 'remote origin in .git/config' },
      { name: 'project', value: join(base, 'web/packages/a'), source: 'package.json' },
      { name: 'lane', value: 't1:local', source: 'no variable names a CI system' },
    ]);
  });

  test('the flag, the variable and the file, in this order', () => {
    const config = { namespace: { value: 'teams/web', line: 1 } };
    const env = { CACHELANE_NAMESPACE: 'ci/web' };
    write('web/cachelane.yaml');
    expect(gather('web', { config, env, namespaceFlag: 'x/y' }).context.namespace).toBe('x/y');
    expect(gather('web', { config, env }).context.namespace).toBe('ci/web');
    expect(gather('web', { config }).context.namespace).toBe('teams/web');
    // The file lies above the package: the package keeps a name of its own.
    expect(gather('web/packages/a', { config }).context.namespace).toBe('teams/web/packages/a');
    const path = join(base, 'web/cachelane.yaml');
    expect(gather('web/packages/a', { config: { ...config, path } }).context.namespace).toBe('teams/web/packages/a');
  });

  test('a known project is not searched again', () => {
    const project = findProject({ cwd: join(base, 'web/packages/a'), homeDir: base, files: nodeFiles });
    expect(gather('web/packages/a', { project })).toEqual(gather('web/packages/a'));
  });

  test('in CI: lane by the variables, revision by the checkout', () => {
    const event = join(base, 'event.json');
    writeFileSync(event, JSON.stringify({ repository: { default_branch: 'main' } }));
    const env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_EVENT_PATH: event,
      GITHUB_REF: 'refs/heads/feat',
      GITHUB_SHA: 'f'.repeat(40),
      GITHUB_WORKFLOW: 'CI',
    };
    const gathered = gather('web', { env });
    expect(gathered.context.readChain.map(({ lane }) => lane).slice(0, 2)).toEqual(['t1:ref:feat', 't1:ref:main']);
    expect(gathered).toMatchObject({ revision: commit, workflow: 'CI' });
    rmSync(join(base, 'web/.git'), { recursive: true });
    expect(gather('web', { env }).revision).toBe('f'.repeat(40));
  });
});

test('a relative remote of two repositories is two namespaces', () => {
  for (const owner of ['ann', 'bob']) {
    write(`${owner}/web/.git/HEAD`, 'ref: refs/heads/main\n');
    write(`${owner}/web/.git/config`, '[remote "origin"]\nurl = ../web.git\n');
  }
  expect(gather('ann/web').context.namespace).toMatch(/^file\/.*\/ann\/web$/);
  expect(gather('bob/web').context.namespace).toMatch(/^file\/.*\/bob\/web$/);
});

test('a new remote changes the namespace and keeps the local name for adoption', () => {
  write('web/.git/HEAD', 'ref: refs/heads/main\n');
  const before = gather('web');
  expect(before.context.namespace).toBe(before.context.localNamespace);
  write('web/.git/config', '[remote "origin"]\nurl = https://github.com/acme/web\n');
  const after = gather('web');
  expect(after.context.namespace).toBe('github.com/acme/web');
  expect(after.context.localNamespace).toBe(before.context.namespace);
  expect(after.directory).toEqual(before.directory);
});

test('another directory at the same path has another identity', () => {
  write('web/package.json');
  const before = gather('web');
  renameSync(join(base, 'web'), join(base, 'old'));
  write('web/package.json');
  expect(gather('web').directory.path).toBe(before.directory.path);
  expect(gather('web').directory.identity).not.toBe(before.directory.identity);
});

test('the search needs few system calls', () => {
  monorepo();
  let calls = 0;
  const count = <R>(result: R): R => {
    calls += 1;
    return result;
  };
  const files: FileReader = {
    exists: (path) => count(nodeFiles.exists(path)),
    facts: (path) => count(nodeFiles.facts(path)),
    ownerOf: (path) => count(nodeFiles.ownerOf(path)),
    readText: (path, maxBytes) => count(nodeFiles.readText(path, maxBytes)),
    realPath: (path) => count(nodeFiles.realPath(path)),
  };
  gather('web/packages/a', { files });
  expect(calls).toBeLessThan(30);
});
