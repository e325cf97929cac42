import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage, type Stage } from '../../fixtures/staged-host.fixture.ts';
import { push, web } from '../share/pushed.fixture.ts';

const at = ['-n', web];

async function said(on: Stage, ...argv: string[]): Promise<string> {
  const before = on.out().length;
  expect(await on.cachelane(...argv), on.err()).toBe(0);
  return on.out().slice(before);
}

async function refused(on: Stage, ...argv: string[]): Promise<string> {
  const before = on.err().length;
  expect(await on.cachelane(...argv)).not.toBe(0);
  return on.err().slice(before);
}

const signal = new AbortController().signal;
/** By the clock of the stage. */
const now = '2026-11-24T14:39:05.000Z';

describe('grant', () => {
  test('is given, listed at both ends, and withdrawn; a dry run changes nothing', async () => {
    using on = stage({ env: { USER: 'ann' } });
    await push(on, { layers: ['a'] });
    const npm = [...at, 'npm', '--to', 'github.com/acme/api'];
    expect(await said(on, 'grant', ...npm, '--dry-run')).toBe(
      `github.com/acme/api would be allowed to read ${web}:npm\n`,
    );
    expect(await said(on, 'grant', 'ls', web)).toBe(`${web} shares nothing.\n`);
    expect(await said(on, 'grant', ...npm)).toBe(`github.com/acme/api may read ${web}:npm\n`);
    expect(await said(on, 'grant', ...npm, '--read')).toBe(`github.com/acme/api may already read ${web}:npm\n`);
    expect(await said(on, 'grant', `${web}:npm`, '--to', 'github.com/acme/api', '--write')).toBe(
      `github.com/acme/api may read, and write on lanes of level T1, ${web}:npm\n`,
    );
    expect(await said(on, 'grant', ...at, '--all', '--to', 'teams/**')).toBe(
      `teams/** may read all volumes of ${web}\n`,
    );
    const listed = await said(on, 'grant', 'ls', web);
    expect(listed).toMatch(/^SHARES +TO +MAY +SINCE +BY\n\(all\) +teams\/\*\* +read .* ann\n/);
    expect(listed).toMatch(/\nnpm +github.com\/acme\/api +write \(T1\) .* ann\n$/);
    expect(await said(on, 'grant', 'ls', 'teams/x')).toMatch(
      /^teams\/x shares nothing\.\n\nIS GRANTED .*\ngithub\.com\/acme\/web:\(all\) +teams\/\*\* +read /,
    );
    expect(JSON.parse(await said(on, 'grant', 'ls', 'teams/x', '--json'))).toEqual({
      namespace: 'teams/x',
      given: [],
      received: [
        {
          namespace: web,
          volume: null,
          to: 'teams/**',
          access: 'read',
          trust: 'T1',
          at: expect.any(String),
          by: 'ann',
        },
      ],
    });
    expect(await said(on, 'grant', 'rm', ...npm, '--dry-run')).toBe(
      `github.com/acme/api would no longer be allowed to read, and write on lanes of level T1, ${web}:npm\n`,
    );
    expect(await said(on, 'grant', 'rm', ...npm)).toContain('may no longer');
    expect(await said(on, 'grant', 'rm', ...npm)).toBe(`github.com/acme/api has no grant for ${web}:npm\n`);
    expect(await said(on, 'grant', 'rm', ...at, '--all', '--to', 'teams/**')).toBe(
      `teams/** may no longer read all volumes of ${web}\n`,
    );
    expect(await said(on, 'grant', 'ls', web)).toBe(`${web} shares nothing.\n`);
  });

  test('that is withdrawn lists other grants for the volume', async () => {
    using on = stage();
    const remove = async (...words: string[]): Promise<string> => await said(on, 'grant', 'rm', ...at, ...words);
    await said(on, 'grant', ...at, 'npm', '--to', 'teams/**');
    await said(on, 'grant', ...at, '--all', '--to', 'teams/x', '--write');
    const all = `  another grant remains: teams/x may read, and write on lanes of level T1, all volumes of ${web}\n`;
    const below = `  another grant remains: teams/** may read ${web}:npm\n`;
    expect(await remove('npm', '--to', 'teams/x')).toMatch(`teams/x has no such grant for ${web}:npm\n`);
    const told = await remove('npm', '--to', 'teams/x');
    expect([told.includes(all), told.includes(below)]).toEqual([true, true]);
    // Grants of less or of another volume do not count.
    expect(await remove('npm', '--to', 'teams/**', '--dry-run')).not.toContain('another');
    expect(await remove('pip', '--to', 'teams/x')).toBe(`teams/x has no such grant for ${web}:pip\n${all}`);
    expect(await remove('pip', '--to', 'teams/y')).toBe(`teams/y has no grant for ${web}:pip\n`);
    expect(await remove('--all', '--to', 'teams/x')).toBe(
      `teams/x may no longer read, and write on lanes of level T1, all volumes of ${web}\n`,
    );
    await said(on, 'grant', ...at, 'npm', '--to', 'teams/x');
    expect(await remove('npm', '--to', 'teams/x')).toBe(
      `teams/x may no longer read ${web}:npm by this grant\n${below}`,
    );
  });

  test('prints the result as JSON', async () => {
    using on = stage({ env: { USER: 'ann' } });
    await push(on, { layers: ['a'] });
    const grant = async (...words: string[]): Promise<unknown> =>
      JSON.parse(await said(on, 'grant', ...words, ...at, '--to', 'teams/x', '--json'));
    const read = { namespace: web, volume: 'npm', to: 'teams/x', access: 'read', trust: 'T1', at: now, by: 'ann' };
    const write = { ...read, access: 'write' };
    expect(await grant('npm', '--dry-run')).toEqual({ dryRun: true, ...read, before: null });
    expect(await grant('npm')).toEqual({ dryRun: false, ...read, before: null });
    expect(await grant('npm', '--write')).toEqual({ dryRun: false, ...write, before: read });
    const all = { ...read, volume: null };
    await grant('--all');
    expect(await grant('rm', 'npm', '--dry-run')).toEqual({ dryRun: true, removed: write, beside: [all] });
    expect(await grant('rm', 'npm')).toEqual({ dryRun: false, removed: write, beside: [all] });
    expect(await grant('rm', 'npm')).toEqual({ dryRun: false, removed: null, beside: [all] });
  });

  test('of a missing volume is given with a warning', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    const told = async (...words: string[]): Promise<string> => {
      const before = on.err().length;
      expect(await on.cachelane('grant', ...at, ...words, '--to', 'teams/x')).toBe(0);
      return on.err().slice(before);
    };
    const warning = `cachelane: warning: ${web} has no volume nmp in this store yet; did you mean npm?\n`;
    expect(await told('nmp', '--dry-run')).toBe(warning);
    expect(await told('nmp')).toBe(warning);
    expect(await said(on, 'grant', 'ls', web)).toMatch(/\nnmp +teams\/x +read /);
    expect(await told('npm')).toBe('');
    expect(await told('--all')).toBe('');
  });

  test('of a missing namespace creates it with a warning', async () => {
    using on = stage();
    const args = ['grant', 'teams/site:npm', '--to', 'teams/x'];
    await said(on, ...args, '--dry-run');
    expect(on.err()).toContain('there is no namespace teams/site yet: it would be created');
    expect(await on.metadata.listNamespaces(signal)).toEqual([]);
    await said(on, ...args);
    expect(on.err()).toContain('there is no namespace teams/site yet: it was created');
    expect(await said(on, 'ns', 'show', 'teams/site')).toContain('0 volumes');
  });

  test.each([
    [['npm'], 'name the grantee'],
    [['--to', 'teams/x'], 'name the volume'],
    [['npm', '--all', '--to', 'teams/x'], '--all is all volumes, and npm is one'],
    [['npm', '--to', web], `${web} needs no grant for its own volumes`],
    [['npm', '--to', 'Teams X'], '--to: "Teams X"'],
    [['npm', '--to', 'teams/*'], '--to: "teams/*"'],
    [['npm', '--to', '~'], 'no run belongs to ~'],
    [['npm', '--to', 'teams/x', '--read', '--write'], '--read and --write cannot be combined'],
    [['npm', '--to', 'teams/x', '--trust', 'T1'], '--trust needs --write'],
    [['npm', '--to', 'teams/x', '--write', '--trust', 'T9'], 'T9'],
    [['npm', '--to', 'teams/x', '--write', '--trust', 'T0'], 'lanes of trust level T0 cannot get a grant'],
    [
      ['npm', '--to', 'teams/x', '--write', '--trust', 'T2'],
      'a run of trust level T1 cannot grant to lanes of level T2',
    ],
    [['github.com/acme', '--to', 'teams/x'], 'is not a volume'],
  ])('%j is refused, and nothing is created', async (args, why) => {
    using on = stage();
    expect(await refused(on, 'grant', ...at, ...args)).toContain(why);
    expect(await on.metadata.listNamespaces(signal)).toEqual([]);
  });

  test('and a feed rule are refused if a run may not save', async () => {
    using on = stage({ env: mergeRequestOfFork });
    expect(await refused(on, 'grant', ...at, 'npm', '--to', 'teams/x')).toContain('may not be written here');
    expect(await refused(on, 'grant', 'rm', ...at, 'npm', '--to', 'teams/x')).toContain('may not be written here');
    expect(await refused(on, 'feed', 'teams', '--from', 'teams/x')).toContain('may not be written here');
    expect(await refused(on, 'feed', 'rm', 'teams', '--from', 'teams/x')).toContain('may not be written here');
  });
});

describe('feed', () => {
  test('is made, listed for tier and project, and removed; a dry run changes nothing', async () => {
    using on = stage({ env: { USER: 'ann', CACHELANE_NAMESPACE: web } });
    const rule = ['github.com/acme', '--from', 'github.com/acme/**', '--volume', 'npm'];
    const what = 'github.com/acme: npm in github.com/acme/** on the default branch';
    expect(await said(on, 'feed', ...rule, '--dry-run')).toBe(`${what} would feed it\n`);
    expect(await said(on, 'feed', 'ls', 'github.com/acme')).toBe('No rule feeds github.com/acme.\n');
    expect(await said(on, 'feed', ...rule)).toBe(`${what} feeds it\n`);
    expect(on.err()).toContain('there is no namespace github.com/acme yet: it was created');
    expect(await said(on, 'feed', ...rule, '--lane', 'default')).toBe(`${what} already feeds it\n`);
    expect(await said(on, 'feed', 'github.com/acme', '--from', 'teams/x', '--lane', 't1:ref:main')).toBe(
      'github.com/acme: all that is saved in teams/x on lane t1:ref:main feeds it\n',
    );
    const [all, npm] = [
      {
        tier: 'github.com/acme',
        from: 'teams/x',
        volume: null,
        lanes: 't1:ref:main',
        at: expect.any(String),
        by: 'ann',
      },
      {
        tier: 'github.com/acme',
        from: 'github.com/acme/**',
        volume: 'npm',
        lanes: 'default',
        at: expect.any(String),
        by: 'ann',
      },
    ];
    expect(JSON.parse(await said(on, 'feed', 'ls', 'github.com/acme', '--json'))).toEqual({ feeds: [all, npm] });
    // For a project, its own rules.
    expect(JSON.parse(await said(on, 'feed', 'ls', '--json'))).toEqual({ feeds: [npm] });
    expect(await said(on, 'feed', 'ls')).toMatch(
      /^TIER +FROM +VOLUME +LANE +SINCE +BY\ngithub.com\/acme +github.com\/acme\/\*\* +npm +default .* ann\n$/,
    );
    expect(await said(on, 'feed', 'rm', ...rule, '--dry-run')).toBe(`${what} would no longer feed it\n`);
    expect(await said(on, 'feed', 'rm', ...rule)).toBe(`${what} feeds it no longer\n`);
    expect(await said(on, 'feed', 'rm', ...rule)).toBe(`${what} has no such rule\n`);
  });

  test('prints the result as JSON', async () => {
    using on = stage({ env: { USER: 'ann' } });
    const feed = async (...words: string[]): Promise<unknown> =>
      JSON.parse(await said(on, 'feed', ...words, 'github.com/acme', '--from', web, '--json'));
    const rule = { tier: 'github.com/acme', from: web, volume: null, lanes: 'default', at: now, by: 'ann' };
    expect(await feed('--dry-run')).toEqual({ dryRun: true, ...rule, isNew: true });
    expect(await feed()).toEqual({ dryRun: false, ...rule, isNew: true });
    expect(await feed()).toEqual({ dryRun: false, ...rule, isNew: false });
    expect(await feed('rm', '--dry-run')).toEqual({ dryRun: true, removed: rule });
    expect(await feed('rm')).toEqual({ dryRun: false, removed: rule });
    expect(await feed('rm')).toEqual({ dryRun: false, removed: null });
  });

  test('that no run can use is made with a warning', async () => {
    using on = stage();
    const told = async (...words: string[]): Promise<string> => {
      const before = on.err().length;
      await said(on, 'feed', 'github.com/acme', '--dry-run', ...words);
      return on
        .err()
        .slice(before)
        .replace(/.*it would be created\n/, '');
    };
    for (const from of [web, 'github.com/acme/**', 'teams/**']) expect(await told('--from', from)).toBe('');
    for (const lane of ['t1:local', 't1:ref:main', 'default'])
      expect(await told('--from', web, '--lane', lane)).toBe('');
    expect(await told('--from', web, '--lane', 't1:pr:12')).toContain('so they never find what comes on t1:pr:12');
    expect(await told('--from', 'teams/x')).toContain(
      'github.com/acme is not above teams/x, so its runs must name it as a parent: parents: [github.com/acme]',
    );
  });

  test.each([
    [['teams'], 'name the projects that feed it'],
    [['teams', '--from', 'teams'], 'teams cannot feed itself'],
    [['teams', '--from', 'teams/x', '--lane', 't0:run:1'], 't0:run:1 cannot feed a tier'],
    [['teams', '--from', 'teams/x', '--lane', 'main'], 'main'],
    [['Teams X', '--from', 'teams/x'], 'TIER: "Teams X"'],
    [['teams', '--from', 'teams/x', '--volume', 'a/b'], 'a/b'],
  ])('%j is refused, and nothing is created', async (args, why) => {
    using on = stage();
    expect(await refused(on, 'feed', ...args)).toContain(why);
    expect(await on.metadata.listNamespaces(signal)).toEqual([]);
  });
});
