import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { blackHole, carelessServer, closedPort, pageServer, silentServer } from './bad-servers.fixture.ts';
import { openWorld } from './cli.fixture.ts';
import { atEnd, atStart, envOf, expectHere, expectKept, runWith, type Reason } from './remote-troubles.fixture.ts';

// Broken servers, and servers that are not S3 servers, at a bucket's address. Uses the bundled CLI.

/** Runs twice, so that the second run also has the first run's unsent layers. */
async function expectNothingShared(endpoint: string, reason: Reason): Promise<void> {
  using world = openWorld();
  for (const name of ['a', 'b']) {
    expectKept(await runWith(world, { name, env: envOf(endpoint) }), [atStart, atEnd], reason);
  }
  await expectHere(world, ['a', 'b']);
}

requireCommands('bwrap')('an address with no S3 server', () => {
  test('that is closed', async () => {
    await expectNothingShared(await closedPort(), {
      why: /s3:\/\/team-cache\/a did not answer within 2 s \(.*ECONNREFUSED\)/,
    });
  });

  test('that drops every packet', async () => {
    await using server = await blackHole();
    await expectNothingShared(server.endpoint, { why: /s3:\/\/team-cache\/a did not answer within 2 s/ });
  });

  test('that never answers', async () => {
    await using server = await silentServer();
    await expectNothingShared(server.endpoint, { why: /s3:\/\/team-cache\/a did not answer within 2 s/ });
  });

  test.each([200, 404, 403])('that answers every request with a page and %i', async (status) => {
    await using server = await pageServer(status);
    await expectNothingShared(server.endpoint, { why: /s3:\/\/team-cache\/a/ });
  });

  test('that speaks no TLS', async () => {
    await using server = await pageServer(200);
    const endpoint = server.endpoint.replace('http:', 'https:');
    await expectNothingShared(endpoint, { why: /s3:\/\/team-cache\/a did not answer within 2 s \(.*(EPROTO|ERR_SSL)/ });
  });

  test('that ignores conditions is detected before anything is stored', async () => {
    await using server = await carelessServer();
    using world = openWorld();
    const env = { ...envOf(server.endpoint), CACHELANE_REMOTE_TIMEOUT: '' };
    const run = await runWith(world, { name: 'a', env });
    expectKept(run, [atEnd], {
      why: /s3:\/\/team-cache\/a overwrites existing objects despite If-None-Match: runs on several machines would lose/,
      mend: /use a server with conditional writes/,
    });
    expect([...server.objects.keys()].filter((key) => key.includes('/objects/'))).toEqual([]);
  });

  test('delays a run without a timeout setting by ten seconds at its start and two at its end', async () => {
    await using server = await silentServer();
    using world = openWorld();
    const env = { ...envOf(server.endpoint), CACHELANE_REMOTE_TIMEOUT: '' };
    const run = await runWith(world, { name: 'a', env });
    expectKept({ ...run, warnings: run.warnings.slice(0, 1) }, [atStart], { why: /within (10|2) s/ });
    expect(run.warnings[1]).toMatch(/did not answer within 2 s/);
  });
});
