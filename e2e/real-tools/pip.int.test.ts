import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';

const names = ['base', 'left', 'right'] as const;
const options = ['-v', 'pip'];

/** Builds the smallest wheel that pip installs, with Python's own archiver. */
const makeWheel = `
import sys, zipfile
name, path = sys.argv[1:]
info = f"{name}-1.0.dist-info/"
with zipfile.ZipFile(path, "w") as archive:
    archive.writestr(f"{name}.py", f"name = '{name}'\\n" * 50)
    archive.writestr(info + "METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
    archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    archive.writestr(info + "RECORD", f"{name}.py,,\\n{info}METADATA,,\\n{info}WHEEL,,\\n{info}RECORD,,\\n")
`;

/** A package index on 127.0.0.1. Each answer has the current date, and is a 304 if nothing changed. */
interface Index {
  readonly url: string;
  readonly server: Server;
  readonly requests: string[];
}

async function startIndex(wheels: ReadonlyMap<string, Uint8Array>): Promise<Index> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${answer(wheels, request, response)} ${request.url}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`, server, requests };
}

function answer(
  wheels: ReadonlyMap<string, Uint8Array>,
  { url = '', headers }: IncomingMessage,
  response: ServerResponse,
): number {
  const [, name = ''] = /^\/(?:simple|files)\/([a-z]+)/.exec(url) ?? [];
  const wheel = wheels.get(name);
  const isPage = url.startsWith('/simple/');
  const file = `${name}-1.0-py3-none-any.whl`;
  const body = isPage ? `<!DOCTYPE html><a href="/files/${file}">${file}</a>` : wheel;
  if (wheel === undefined || body === undefined) {
    response.writeHead(404).end();
    return 404;
  }
  const etag = `"${hash('sha1', body, 'hex')}"`;
  const isKnown = headers['if-none-match'] === etag;
  const plain = {
    etag,
    'x-timer': String(process.hrtime.bigint()),
    'content-type': isPage ? 'text/html' : 'application/zip',
  };
  response.writeHead(isKnown ? 304 : 200, {
    ...plain,
    'cache-control': isPage ? 'max-age=600' : 'max-age=365000000, immutable',
  });
  response.end(isKnown ? undefined : body);
  return isKnown ? 304 : 200;
}

function install(world: World, ...wanted: readonly string[]): readonly string[] {
  const target = join(world.dir, 'tmp', wanted.join('-'));
  const settings = ['--disable-pip-version-check', '--no-deps', '--upgrade', '--target', target];
  return ['/usr/bin/python3', '-m', 'pip', 'install', ...settings, ...wanted];
}

requireCommands('bwrap', 'pip3')('pip', () => {
  let index: Index;
  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'wheels-'));
    const wheels = names.map((name) => {
      const path = join(dir, `${name}.whl`);
      execFileSync('/usr/bin/python3', ['-c', makeWheel, name, path]);
      return [name, new Uint8Array(readFileSync(path))] as const;
    });
    rmSync(dir, { recursive: true });
    index = await startIndex(new Map(wheels));
  });
  afterAll(async () => {
    index.server.close();
    index.server.closeAllConnections();
    await once(index.server, 'close');
  });
  beforeEach(() => void index.requests.splice(0));

  test.each(worldUsers)(
    'two runs at once each download a wheel, and neither is downloaded again, as %s',
    async (user) => {
      const env = {
        PIP_CONFIG_FILE: '/dev/null',
        PIP_INDEX_URL: index.url,
        PIP_TRUSTED_HOST: '127.0.0.1',
        PIP_ROOT_USER_ACTION: 'ignore',
      };
      using world = openWorld({ user, env });
      const cwd = world.project('app');
      const cold = await world.run(install(world, 'base'), { cwd, options });
      expect(cold).toMatchObject({ code: 0 });
      // A head and a body for the page and for the wheel.
      expect(cold.volume('pip')).toMatchObject({ path: join(world.home, '.cache/pip'), hits: [], skipped: null });
      expect(cold.volume('pip').added).toBeGreaterThanOrEqual(4);

      const jobs = (['left', 'right'] as const).map((name) => ({ cwd, argv: install(world, 'base', name), options }));
      for (const run of await atOnce(world, jobs)) {
        expect(run).toMatchObject({ code: 0 });
        expect(run.volume('pip')).toMatchObject({
          hits: [{ layers: 1 }],
          changed: 0,
          removed: 0,
          conflicts: [],
          skipped: null,
        });
      }

      index.requests.splice(0);
      const warm = await world.run(install(world, ...names), { cwd, options });
      expect(warm).toMatchObject({ code: 0 });
      for (const name of names) expect(existsSync(join(world.dir, 'tmp', names.join('-'), `${name}.py`))).toBe(true);
      // Pages are revalidated, wheels are not.
      expect(index.requests.toSorted()).toEqual(names.map((name) => `304 /simple/${name}/`));
      expect(warm.volume('pip')).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
      expect(existsSync(join(world.home, '.cache/pip'))).toBe(false);
    },
  );
});
