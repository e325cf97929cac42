import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld } from './cli.fixture.ts';
import { ask, startEngine, type Asked } from './serve.fixture.ts';

const web = 'github.com/acme/web';
const team = 'teams/payments';
const grant = ['--all', '-n', team, '--to', web];
const pushToMain = {
  GITLAB_CI: 'true',
  CI_PIPELINE_SOURCE: 'push',
  CI_COMMIT_REF_NAME: 'main',
  CI_DEFAULT_BRANCH: 'main',
};

requireCommands('git')('programs of an engine in CI', () => {
  test('read the granted parents that their file names, and get a warning about the others; so do confined sessions', async () => {
    using world = openWorld({ env: pushToMain });
    const cwd = world.project('web', { 'cachelane.yaml': `parents: [${team}]\n` });
    world.gitInit(cwd, `https://${web}.git`);
    const engine = await startEngine(world, [], { cwd });
    const query =
      '{ context { warnings readChain { namespace } } cacheVolume(key: "npm") { explain { tiers { namespace by isRead } readChain { namespace } } } }';
    const open = async (confine: boolean): Promise<string> => {
      const place = `directory: ${JSON.stringify(cwd)}, namespace: "${web}"`;
      const opened = await ask(
        engine,
        `mutation { openSession(confine: ${confine}${confine ? `, ${place}` : ''}) { token } }`,
      );
      return (opened.answer.data as { openSession: { token: string } }).openSession.token;
    };
    const [free, confined] = [await open(false), await open(true)];
    const asked = async (token: string): Promise<Asked['answer']> =>
      (await ask(engine, query, { 'cachelane-session': token })).answer;
    const own = [{ namespace: web }];
    const both = [...own, { namespace: team }];
    const warnings = [expect.stringContaining(`cachelane.yaml:1 names ${team} as a parent`) as string];
    const by = 'cachelane.yaml:1, without a grant';
    // A confined session reads other namespaces only through grants.
    const named = new Map([
      [free, 'cachelane.yaml:1, by a grant'],
      [confined, 'cachelane.yaml:1'],
    ]);
    expect(await asked(free)).toMatchObject({
      data: {
        context: { warnings, readChain: own },
        cacheVolume: { explain: { readChain: own, tiers: [{ namespace: team, by, isRead: false }, {}] } },
      },
    });
    expect(await asked(confined)).toMatchObject({
      data: { context: { readChain: own }, cacheVolume: { explain: { readChain: own, tiers: [] } } },
    });
    expect(await world.cachelane(['grant', ...grant], { cwd })).toMatchObject({ code: 0 });
    for (const [token, namedBy] of named) {
      const granted = { namespace: team, by: namedBy, isRead: false };
      expect(await asked(token)).toMatchObject({
        data: {
          context: { warnings: [], readChain: both },
          cacheVolume: {
            explain: { readChain: both, tiers: expect.arrayContaining([granted]) as unknown },
          },
        },
      });
    }
    expect(await world.cachelane(['grant', 'rm', ...grant], { cwd })).toMatchObject({ code: 0 });
    for (const token of [free, confined]) {
      expect(await asked(token)).toMatchObject({
        data: { context: { readChain: own }, cacheVolume: { explain: { readChain: own } } },
      });
    }
  });
});
