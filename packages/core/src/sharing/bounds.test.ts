import { describe, expect, test } from 'vitest';
import type { LaneName } from '../lanes/lane.ts';
import { parseNamespace, scopeNamespace } from '../names/namespace.ts';
import { parseVolumeName } from '../names/volume.ts';
import {
  unvouchedBounds,
  isOwn,
  linksOfAny,
  linksWithin,
  mayReach,
  type Bounds,
  type GrantedVolumes,
} from './bounds.ts';

const name = (text: string): ReturnType<typeof parseNamespace> => parseNamespace(`github.com/acme/${text}`);
const [web, site, api, tier] = [name('web'), name('site'), name('api'), name('tier')];
const [npm, pip] = [parseVolumeName('npm'), parseVolumeName('pip')];
const lane = (text: string): LaneName => text as LaneName;
const grant = (more: Partial<GrantedVolumes> = {}): GrantedVolumes => ({
  owner: [api, name('old-api')],
  volume: npm,
  access: 'read',
  trust: 'T1',
  ...more,
});
const within = (...granted: GrantedVolumes[]): Bounds => ({ own: [site, web], granted });
const read = { access: 'read', lane: lane('t1:local') } as const;

describe('bounds', () => {
  test('a project owns its names and scopes in it, but no project below it', () => {
    for (const own of [web, site, scopeNamespace(web, ['lib']), scopeNamespace(site, ['lib', 'inner'])]) {
      expect(isOwn(within(), [own])).toBe(true);
      expect(mayReach(within(), { namespace: own, volume: npm, access: 'write', lane: lane('t2:ref:main') })).toBe(
        true,
      );
    }
    for (const other of [api, name('web/inner'), name('website'), parseNamespace('github.com/acme')]) {
      expect(isOwn(within(), [other])).toBe(false);
      expect(mayReach(within(), { namespace: other, volume: npm, ...read })).toBe(false);
    }
    expect(isOwn(within(), [api, web])).toBe(true);
  });

  test('a grant gives one volume under any name of its owner, but not of its scopes', () => {
    const by = within(grant());
    for (const namespace of [api, name('old-api')]) {
      expect(mayReach(by, { namespace, volume: npm, ...read })).toBe(true);
      expect(mayReach(by, { namespace, volume: pip, ...read })).toBe(false);
    }
    for (const namespace of [tier, scopeNamespace(api, ['lib']), name('api/inner')])
      expect(mayReach(by, { namespace, volume: npm, ...read })).toBe(false);
    expect(mayReach(within(grant({ volume: null })), { namespace: api, volume: pip, ...read })).toBe(true);
  });

  test('a grant allows reading for all lanes, and writing for lanes of exactly one level', () => {
    const reads = within(grant());
    const writes = within(grant({ access: 'write', trust: 'T2' }));
    for (const [text, may] of [
      ['t3:env:npm', false],
      ['t2:ref:main', true],
      ['t1:local', false],
      ['t0:run:1', false],
    ] as const) {
      const wanted = { namespace: api, volume: npm, lane: lane(text) };
      expect(mayReach(reads, { ...wanted, access: 'read' })).toBe(true);
      expect(mayReach(reads, { ...wanted, access: 'write' })).toBe(false);
      expect(mayReach(writes, { ...wanted, access: 'read' })).toBe(true);
      expect(mayReach(writes, { ...wanted, access: 'write' })).toBe(may);
    }
    const both = within(grant({ access: 'write', trust: 'T2' }), grant({ volume: null, access: 'write' }));
    expect(mayReach(both, { namespace: api, volume: npm, access: 'write', lane: lane('t1:local') })).toBe(true);
  });

  test('grants to an untrusted run count only for namespaces above it', () => {
    const above = grant({ owner: [parseNamespace('github.com/acme'), name('renamed')] });
    expect(unvouchedBounds(within(grant(), above, grant({ owner: [tier], volume: null })))).toEqual(within(above));
  });

  test('a chain has the links that share this volume; without bounds it has all links', () => {
    const chain = [web, tier, api].map((namespace) => ({ namespace, lane: lane('t1:local') }));
    const [own, , granted] = chain;
    expect(linksWithin(undefined, chain, npm)).toEqual(chain);
    expect(linksWithin(within(grant()), chain, npm)).toEqual([own, granted]);
    expect(linksWithin(within(grant()), chain, pip)).toEqual([own]);
    expect(linksOfAny(within(grant()), chain)).toEqual([own, granted]);
    expect(linksOfAny(within(), chain)).toEqual([own]);
  });
});
