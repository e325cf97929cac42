import { execFile } from 'node:child_process';
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startLocalRegistry, type RegistryPackage } from './local-registry.ts';
import { requireCommands } from './require-commands.ts';

const run = promisify(execFile);

const packages: readonly RegistryPackage[] = [
  { name: 'left', version: '1.0.0', files: { 'index.js': 'module.exports = "left 1.0.0";' } },
  { name: '@scope/right', version: '2.0.0', dependencies: { left: '^1.0.0' } },
];

test('serves manifests with an ETag, and answers 304 to clients that have them', async () => {
  await using registry = await startLocalRegistry(packages);
  const first = await fetch(`${registry.url}left`);
  const etag = first.headers.get('etag') ?? '';
  expect(await first.json()).toMatchObject({ 'dist-tags': { latest: '1.0.0' }, readme: '# left' });
  const again = await fetch(`${registry.url}left`, { headers: { 'if-none-match': etag } });
  expect(again.status).toBe(304);

  registry.publish({ name: 'left', version: '1.1.0' });
  const changed = await fetch(`${registry.url}left`, { headers: { 'if-none-match': etag } });
  expect(await changed.json()).toMatchObject({ 'dist-tags': { latest: '1.1.0' } });
  expect(registry.requests.map(({ status }) => status)).toEqual([200, 304, 200]);
});

test('serves an abbreviated manifest on request', async () => {
  await using registry = await startLocalRegistry(packages);
  const accept = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';
  const answer = await fetch(`${registry.url}@scope%2fright`, { headers: { accept } });
  expect(await answer.json()).not.toHaveProperty('readme');
});

test('has no other packages, and accepts none', async () => {
  await using registry = await startLocalRegistry(packages);
  const answers = [
    fetch(`${registry.url}up`),
    fetch(`${registry.url}left/-/left-9.9.9.tgz`),
    fetch(`${registry.url}left`, { method: 'PUT' }),
  ];
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([404, 404, 404]);
});

requireCommands('npm')('npm itself', () => {
  test('npm can install its packages', async () => {
    await using registry = await startLocalRegistry(packages);
    using folder = mkdtempDisposableSync(join(tmpdir(), 'local-registry-'));
    writeFileSync(join(folder.path, 'package.json'), JSON.stringify({ dependencies: { '@scope/right': '^2.0.0' } }));
    const env = {
      PATH: process.env['PATH'],
      HOME: folder.path,
      npm_config_registry: registry.url,
      npm_config_audit: 'false',
      npm_config_update_notifier: 'false',
    };
    await run('npm', ['install'], { cwd: folder.path, env });
    expect(readFileSync(join(folder.path, 'node_modules/left/index.js'), 'utf8')).toContain('left 1.0.0');
  });
});
