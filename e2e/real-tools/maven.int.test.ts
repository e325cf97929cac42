import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';

const options = ['-v', 'maven'];
const names = ['base', 'left', 'right'] as const;

/** Returns a model for other projects to import. Maven can download it without any plugin. */
function model(name: string): string {
  return `<project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>${name}</artifactId><version>1.0</version><packaging>pom</packaging></project>`;
}

/** Creates a project that imports these models. */
function project(world: World, name: string, imports: readonly string[]): string {
  const dependencies = imports.map(
    (artifact) =>
      `<dependency><groupId>com.acme</groupId><artifactId>${artifact}</artifactId><version>1.0</version><type>pom</type><scope>import</scope></dependency>`,
  );
  const managed = `<dependencyManagement><dependencies>${dependencies.join('')}</dependencies></dependencyManagement>`;
  const dir = world.project(name, { 'pom.xml': model('app').replace('</project>', `${managed}</project>`) });
  world.gitInit(dir, 'https://github.com/acme/app.git');
  return dir;
}

requireCommands('bwrap', 'mvn')('Maven', () => {
  let server: Server;
  let url = '';
  const requests: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, name] = /^\/com\/acme\/([a-z]+)\/1\.0\/\1-1\.0\.pom$/.exec(request.url ?? '') ?? [];
      requests.push(request.url ?? '');
      response.writeHead(name === undefined ? 404 : 200).end(name === undefined ? undefined : model(name));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  beforeEach(() => void requests.splice(0));

  test('two runs at once each download a model, and a third one works offline from both', async () => {
    using world = openWorld();
    // Java takes the home directory from the system's user list.
    world.env['MAVEN_OPTS'] = `-Duser.home=${world.home}`;
    const mirror = `<mirror><id>local</id><mirrorOf>*</mirrorOf><url>${url}</url></mirror>`;
    world.write({ 'home/.m2/settings.xml': `<settings><mirrors>${mirror}</mirrors></settings>` });
    const validate = ['mvn', '--batch-mode', '--quiet', 'validate'];
    const cold = await world.run(validate, { cwd: project(world, 'first', ['base']), options });
    expect(cold).toMatchObject({ code: 0 });
    expect(cold.volume('maven')).toMatchObject({ path: join(world.home, '.m2/repository'), hits: [], skipped: null });

    const jobs = (['left', 'right'] as const).map((name) => ({
      cwd: project(world, name, ['base', name]),
      argv: validate,
      options,
    }));
    for (const run of await atOnce(world, jobs)) {
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume('maven')).toMatchObject({ hits: [{ layers: 1 }], removed: 0, conflicts: [], skipped: null });
    }

    requests.splice(0);
    const run = await world.run([...validate, '--offline'], { cwd: project(world, 'union', names), options });
    expect(run).toMatchObject({ code: 0 });
    expect(run.volume('maven')).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
    expect(requests).toEqual([]);
    expect(existsSync(join(world.home, '.m2/repository'))).toBe(false);
  });
});
