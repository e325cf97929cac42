import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';

const names = ['cachelane-base', 'cachelane-left', 'cachelane-right'] as const;
const options = ['-v', 'apt'];

/** Creates a package repository in a directory. The packages contain no files. */
function makeRepository(dir: string): void {
  const entries = names.map((name) => {
    const control = `Package: ${name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: test\n`;
    mkdirSync(join(dir, name, 'DEBIAN'), { recursive: true });
    writeFileSync(join(dir, name, 'DEBIAN/control'), control);
    const file = `${name}_1.0_all.deb`;
    execFileSync('/usr/bin/dpkg-deb', ['--root-owner-group', '--build', join(dir, name), join(dir, file)], {
      stdio: 'ignore',
    });
    const content = readFileSync(join(dir, file));
    return `${control}Filename: ./${file}\nSize: ${content.length}\nSHA256: ${hash('sha256', content, 'hex')}\n`;
  });
  writeFileSync(join(dir, 'Packages'), entries.join('\n'));
}

/**
 * Returns an apt command with its own lists and settings, and without the lock that allows one change of the machine at a
 * time. The two runs share only the download directory.
 */
function apt(world: World, ...args: readonly string[]): readonly string[] {
  const own = join(world.dir, 'apt');
  const settings = [
    `Dir::Etc=${own}/etc`,
    `Dir::State::lists=${own}/lists`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'APT::Sandbox::User=root',
    'Debug::NoLocking=true',
  ];
  return ['apt-get', '--quiet', '--yes', ...settings.flatMap((setting) => ['-o', setting]), ...args];
}

// Downloads belong to root.
describe.skipIf(!worldUsers.includes('root'))('as root', () => {
  requireCommands(
    'bwrap',
    'apt-get',
    'dpkg-deb',
  )('apt', () => {
    test('two runs at once each download a package, and neither is downloaded again', async () => {
      using world = openWorld({ user: 'root' });
      const repository = join(world.dir, 'repository');
      makeRepository(repository);
      world.write({
        'apt/etc/sources.list': `deb [trusted=yes] copy:${repository} ./\n`,
        'apt/lists/partial/.keep': '',
      });
      world.exec(apt(world, 'update'));
      const download = (...wanted: readonly string[]): readonly string[] =>
        apt(world, 'install', '--download-only', ...wanted);
      const cwd = world.project('app');

      const cold = await world.run(download(names[0]), { cwd, options });
      expect(cold).toMatchObject({ code: 0 });
      expect(cold.volume('apt')).toMatchObject({ path: '/var/cache/apt/archives', hits: [], added: 1, skipped: null });
      const jobs = names.slice(1).map((name) => ({ cwd, argv: download(names[0], name), options }));
      for (const run of await atOnce(world, jobs)) {
        expect(run).toMatchObject({ code: 0 });
        expect(run.volume('apt')).toMatchObject({ hits: [{ layers: 1 }], added: 1, conflicts: [], skipped: null });
      }

      // Remove the packages, so that nothing can be downloaded.
      for (const name of names) world.exec(['rm', join(repository, `${name}_1.0_all.deb`)]);
      const union = await world.run(download(...names), { cwd, options });
      expect(union).toMatchObject({ code: 0 });
      expect(union.volume('apt')).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
    });
  });
});
