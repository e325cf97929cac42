import { describe, expect, test } from 'vitest';
import type { Namespace } from '../names/namespace.ts';
import type { VolumeName } from '../names/volume.ts';
import type { Bounds } from '../sharing/bounds.ts';
import { openParents, parentBy, settleParents, sharedLinks, type SettledParents } from './claimed-parents.ts';
import { ci, derive, inFolder, links, named, root } from './context.fixture.ts';

const [team, acme, site] = ['teams/payments', 'github.com/acme', 'teams/site'] as readonly string[] as [
  Namespace,
  Namespace,
  Namespace,
];
const [npm, pip] = ['npm', 'pip'] as readonly string[] as [VolumeName, VolumeName];
const config = { directory: root, parents: [named(team, 3), named(acme, 4), named(site, 5)] };

/** Grants to the project by owner: a volume, or null for all. */
function shared(granted: Readonly<Record<string, VolumeName | null>>): Bounds {
  return {
    own: [derive().namespace],
    granted: Object.entries(granted).map(([owner, volume]) => ({
      owner: [owner as Namespace],
      volume,
      access: 'read',
      trust: 'T1',
    })),
  };
}

const settled = (granted: Parameters<typeof shared>[0], platform: typeof ci | null): SettledParents =>
  settleParents(derive({ config, platform }), shared(granted));

describe('in CI', () => {
  test('are read if they share something, in the order of the file; the others are skipped with one warning', () => {
    const { context, warning } = settled({ [site]: null }, ci);
    expect(context.parents).toEqual([acme, site]);
    expect(links(context).slice(-2)).toEqual([`${acme} t1:ref:main`, `${site} t1:ref:main`]);
    expect(warning).toBe(
      'cachelane.yaml:3 names teams/payments as a parent, and github.com/acme/web has no grant for it; it is skipped: set CACHELANE_PARENTS=teams/payments,github.com/acme,teams/site in the CI configuration, or run cachelane grant --all -n teams/payments --to github.com/acme/web',
    );
    expect(settled({ [site]: null, [team]: null }, ci)).toMatchObject({
      warning: null,
      context: { parents: [team, acme, site] },
    });
    const { warning: ofBoth } = settled({}, ci);
    expect(ofBoth).toContain(
      'cachelane.yaml:3 names teams/payments, teams/site as parents, and github.com/acme/web has no',
    );
    expect(ofBoth).toMatch(/-n teams\/payments --to github\.com\/acme\/web, and the same for the others$/);
  });

  test('give only what they share, and nothing before that is known', () => {
    const { context } = settled({ [team]: npm }, ci);
    const read = (volume: VolumeName): readonly string[] =>
      sharedLinks(context, context.readChain, volume).map(({ namespace }) => namespace);
    expect(read(npm)).toContain(team);
    expect(read(pip)).not.toContain(team);
    expect(read(pip)).toContain(acme);
    const unsettled = derive({ config, platform: ci });
    expect(sharedLinks(unsettled, unsettled.readChain, npm).map(({ namespace }) => namespace)).not.toContain(team);
    // A grant of one volume does not open the others.
    expect(openParents(context)).toEqual([acme]);
  });

  test('of a package below the file come after its own prefixes', () => {
    const { context } = settleParents(derive({ config, platform: ci, ...inFolder('a') }), shared({ [team]: null }));
    expect(context.parents).toEqual(['github.com/acme/web', team, acme]);
  });
});

test('named twice cause one warning', () => {
  const twice = { ...config, parents: [...config.parents, named(team, 6)] };
  expect(derive({ config: twice, platform: ci }).claimed?.parents.map(({ namespace }) => namespace)).toEqual([
    team,
    site,
  ]);
});

describe('outside CI', () => {
  test('are read anyway, with a warning if they share nothing', () => {
    const { context, warning } = settled({ [site]: npm }, null);
    expect(context.parents).toEqual([team, acme, site]);
    expect(sharedLinks(context, context.readChain, pip)).toEqual(context.readChain);
    expect(openParents(context)).toEqual(context.parents);
    expect(warning).toBe(
      'cachelane.yaml:3 names teams/payments as a parent, and github.com/acme/web has no grant for it; it is read anyway outside CI: to avoid this warning, run cachelane grant --all -n teams/payments --to github.com/acme/web',
    );
    expect(settled({ [site]: npm, [team]: npm }, null).warning).toBe(null);
  });
});

test.each([
  ['the path', {}, acme, 'the path of the project'],
  ['the environment', { parentsVariable: team }, team, 'CACHELANE_PARENTS'],
  ['the file, as one of the repository’s own', { config }, acme, 'cachelane.yaml:3'],
  ['the file, on one’s own machine', { config }, team, 'cachelane.yaml:3, on your own machine'],
  ['the file in CI', { config, platform: ci }, team, 'cachelane.yaml:3, without a grant'],
  ['the file, and what is granted', { config, platform: ci }, site, 'cachelane.yaml:5, by a grant'],
])('the source of a parent: %s', (_, sources, parent, who) => {
  const { context } = settleParents(derive(sources), shared({ [site]: null }));
  expect(parentBy(context, parent)).toBe(who);
});

test('without claimed parents nothing changes', () => {
  const context = derive();
  expect(settleParents(context, shared({}))).toEqual({ context, warning: null });
});

test('each is an input with its source, and whether it is read', () => {
  const inputs = settled({ [site]: npm }, ci).context.inputs.filter(({ name }) => name.startsWith('parent'));
  expect(inputs).toEqual([
    { name: 'parents', value: `${team}, ${acme}, ${site}`, source: 'cachelane.yaml:3' },
    { name: 'parent', value: `not ${team}`, source: 'cachelane.yaml:3, without a grant' },
    { name: 'parent', value: site, source: 'cachelane.yaml:5, by a grant' },
  ]);
});
