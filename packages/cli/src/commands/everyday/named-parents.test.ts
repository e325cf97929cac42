import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Namespace } from '@cachelane/core';
import { expect, test } from 'vitest';
import { stage, type Stage } from '../../fixtures/staged-host.fixture.ts';
import { json, push, web } from '../share/pushed.fixture.ts';

// Parents that are no path prefixes.

const team = 'teams/payments' as Namespace;

const pushToMain = {
  GITLAB_CI: 'true',
  CI_PIPELINE_SOURCE: 'push',
  CI_COMMIT_REF_NAME: 'main',
  CI_DEFAULT_BRANCH: 'main',
};

/** A checkout of github.com/acme/web whose file names its team, which has a volume. */
async function checkout(env: Readonly<Record<string, string>>): Promise<Stage> {
  const on = stage({ env });
  mkdirSync(join(on.project, '.git'));
  writeFileSync(join(on.project, '.git/HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(on.project, '.git/config'), `[remote "origin"]\n\turl = https://${web}\n`);
  writeFileSync(join(on.project, 'cachelane.yaml'), `parents: [${team}, github.com/acme]\n`);
  await push(on, { namespace: team, lane: 'GITLAB_CI' in env ? 't1:ref:main' : 't1:local', layers: ['a'] });
  return on;
}

interface Told {
  readonly tiers: readonly object[];
}

async function teamIn(on: Stage): Promise<unknown> {
  const before = on.out().length;
  expect(await on.cachelane('explain', '--verbose', 'npm', '--json'), on.err()).toBe(0);
  const { tiers } = JSON.parse(on.out().slice(before)) as Told;
  return tiers.find((tier) => (tier as { readonly namespace: string }).namespace === team);
}

const grant = ['--all', '-n', team, '--to', web];

test('in CI a parent needs a grant, the environment or the user’s file, and explain names the source', async () => {
  using on = await checkout(pushToMain);
  const refused = { by: 'cachelane.yaml:1, without a grant', isRead: false, why: `${web} has no grant for its npm` };
  expect(await teamIn(on)).toMatchObject(refused);
  expect(await on.cachelane('grant', ...grant)).toBe(0);
  expect(await teamIn(on)).toMatchObject({ by: 'cachelane.yaml:1, by a grant', isRead: true, layers: 1 });
  expect(await on.cachelane('grant', 'rm', ...grant)).toBe(0);
  expect(await teamIn(on)).toMatchObject(refused);
  using named = await checkout({ ...pushToMain, CACHELANE_PARENTS: team });
  expect(await teamIn(named)).toMatchObject({ by: 'CACHELANE_PARENTS', isRead: true, layers: 1 });
  using own = await checkout(pushToMain);
  const file = join(own.dir, '.config/cachelane/config.yaml');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `parents: { 'github.com/acme/**': [${team}] }\n`, { mode: 0o600 });
  expect(await teamIn(own)).toMatchObject({ by: `${file}:1`, isRead: true, layers: 1 });
});

test('on a user’s machine it is read, with a notice until it is granted', async () => {
  using on = await checkout({});
  expect(await teamIn(on)).toMatchObject({ by: 'cachelane.yaml:1, on your own machine', isRead: true });
  expect(await on.cachelane('context')).toBe(0);
  expect(on.err().match(/warning: .*/g)).toEqual([
    expect.stringContaining(
      `cachelane.yaml:1 names ${team} as a parent, and ${web} has no grant for it; it is read anyway`,
    ),
  ]);
  expect(on.err()).toContain(`to avoid this warning, run cachelane grant ${grant.join(' ')}`);
  expect(await on.cachelane('grant', ...grant)).toBe(0);
  const told = on.err().length;
  expect(await on.cachelane('context')).toBe(0);
  expect(on.err().slice(told)).toBe('');
});

test('a context lists its parents with their sources', async () => {
  using on = await checkout(pushToMain);
  expect(await on.cachelane('context', '--json')).toBe(0);
  expect(json(on)).toMatchObject({
    readChain: [{ namespace: web }, { namespace: 'github.com/acme' }],
    inputs: expect.arrayContaining([
      { name: 'parent', value: `not ${team}`, source: 'cachelane.yaml:1, without a grant' },
    ]) as unknown,
  });
  expect(on.err()).toContain(
    'it is skipped: set CACHELANE_PARENTS=teams/payments,github.com/acme in the CI configuration, or run',
  );
  await on.cachelane('doctor');
  expect(on.out()).toMatch(/context: .*cachelane\.yaml:1 names teams\/payments as a parent/s);
});
