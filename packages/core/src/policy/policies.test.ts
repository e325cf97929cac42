import { expect, test } from 'vitest';
import type { NamespaceId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { VolumeName } from '../names/volume.ts';
import type { PolicyKey } from './policy.ts';
import { budgetedVolumes, policyAt, type Policies } from './policies.ts';

const namespaceId = 'ns_1' as NamespaceId;
const lane = 't1:pr:12' as LaneName;
const path = (text: string): Namespace => text as Namespace;

const policies: Policies = {
  user: { 'keep-branch': { value: 1, source: 'own file' } },
  stored: [
    { namespace: path('github.com/acme'), texts: { 'keep-pr': '1d', history: '2d', 'keep-branch': '3d' } },
    { namespace: path('github.com/acme/web'), texts: { 'keep-pr': '4d' } },
    { namespace: path('github.com/ac'), texts: { 'keep-default': '1d' } },
  ],
  lanes: [{ namespaceId, lane, texts: { history: '1d', 'keep-pr': '9d', 'free-space': '1GB' }, source: 'file' }],
};

const at = (key: PolicyKey, paths: readonly string[], own: LaneName | null = null): string => {
  const place = { paths: paths.map(path), lane: own === null ? null : { namespaceId, lane: own } };
  const { value, source } = policyAt(policies, place)[key];
  return `${value / 86_400_000} ${source}`;
};

test('a policy holds below its namespace, the nearest wins, and a common beginning is not a prefix', () => {
  expect(at('keep-pr', ['github.com/acme/web/api'])).toBe('4 cachelane ns policy github.com/acme/web');
  expect(at('history', ['github.com/acme/web/api'])).toBe('2 cachelane ns policy github.com/acme');
  expect(at('keep-branch', ['github.com/acme'])).toBe('3 cachelane ns policy github.com/acme');
  expect(at('keep-default', ['github.com/acme/web'])).toBe('30 default');
  expect(at('keep-pr', ['github.com/other', 'github.com/acme/web'])).toBe('4 cachelane ns policy github.com/acme/web');
});

test('the file of a lane lowers values only on that lane', () => {
  expect(at('history', ['github.com/acme'], lane)).toBe('1 file');
  expect(at('keep-pr', ['github.com/acme'], lane)).toBe('1 cachelane ns policy github.com/acme');
  expect(at('history', ['github.com/acme'], 't1:pr:13' as LaneName)).toBe('2 cachelane ns policy github.com/acme');
});

test('the budget of a name overrides the general budget of its source, but not a nearer source', () => {
  const gb = { value: 1e9, source: 'own file' };
  const said: Policies = {
    user: { 'volume-budget': { ...gb, value: 9e9 }, 'volume-budget:npm': { ...gb, value: 8e9 } },
    stored: [
      { namespace: path('github.com/acme'), texts: { 'volume-budget': '7GB', 'volume-budget:go-build': '6GB' } },
    ],
    lanes: [{ namespaceId, lane, texts: { 'volume-budget:npm': '5GB', 'volume-budget': '20GB' }, source: 'file' }],
  };
  const of = (namespace: string, volume: string, own: LaneName | null = null): number => {
    const place = { paths: [path(namespace)], lane: own === null ? null : { namespaceId, lane: own } };
    return policyAt(said, { ...place, volume: volume as VolumeName })['volume-budget'].value / 1e9;
  };
  expect([of('other', 'npm'), of('other', 'pip')]).toEqual([8, 9]);
  expect([of('github.com/acme/web', 'npm'), of('github.com/acme/web', 'go-build')]).toEqual([7, 6]);
  expect([of('github.com/acme', 'npm', lane), of('github.com/acme', 'go-build', lane)]).toEqual([5, 6]);
  expect(budgetedVolumes(said)).toEqual(['go-build', 'npm']);
});
