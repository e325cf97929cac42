import {
  parseNamespace,
  parseProviderRef,
  type Bounds,
  type Provider,
  type ProviderRequest,
  type ProviderSourceKind,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { VolumeRequest } from '../model/volume-request.ts';
import { grantVolumes } from '../sharing/grants.ts';
import { baseRequest, indexedVolume, testEngine } from '../testing/test-engine.fixture.ts';
import { projectProvider } from './plain-providers.ts';
import { provideVolume } from './provide-volume.ts';

const noAbort = new AbortController().signal;
const web = parseNamespace('github.com/acme/web');
const acme = parseNamespace('github.com/acme');
const api = parseNamespace('github.com/acme/api');
/** Bounds without grants. */
const bounds: Bounds = { own: [web], granted: [] };
const confined = { ...baseRequest.context, parents: [acme], bounds };

function by(reference: string, source: ProviderSourceKind, path?: string): VolumeRequest {
  const ref = parseProviderRef(reference, source);
  const place = path === undefined ? {} : { path };
  return { ...indexedVolume, ...place, provider: { ref, by: source, source, overridden: [] } };
}

function world() {
  const asked: ProviderRequest[] = [];
  const team: Provider = {
    kind: 'team',
    async provide(request) {
      asked.push(request);
      return await Promise.resolve({ kind: 'nothing' });
    },
  };
  const find = async (kind: string) =>
    await Promise.resolve([team, projectProvider].find((each) => each.kind === kind));
  return { asked, deps: { ...testEngine().deps, providers: { find } } };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'taken',
    (error: unknown) => String((error as { readonly code?: unknown }).code),
  );

describe('a confined session', () => {
  test.each(['flag', 'environment', 'user', 'session', 'repository'] as const)(
    'gets only granted volumes of other projects, whatever source chose the provider: %s',
    async (source) => {
      const { deps } = world();
      const ask = async (reference: string, context: typeof confined) =>
        await codeOf(provideVolume(deps, { ...baseRequest, context }, by(reference, source), noAbort));
      expect(await ask('project:github.com/acme/api:npm', confined)).toBe('E_GRANT');
      // Parents too, which others read without a grant.
      expect(await ask('project:github.com/acme:npm', confined)).toBe('E_GRANT');
      expect(await ask('project:other', confined)).toBe('taken');
      const to = { namespace: web, below: false };
      const grant = { owner: api, volume: null, to, access: 'read', trust: 'T1', by: 'ann', dryRun: false } as const;
      await grantVolumes(deps, grant, noAbort);
      expect(await ask('project:github.com/acme/api:npm', confined)).toBe('taken');
      expect(await ask('project:github.com/acme:npm', confined)).toBe('E_GRANT');
    },
  );

  test('that names a provider itself also needs a grant', async () => {
    const { deps } = world();
    const context = { ...baseRequest.context, parents: [acme] };
    const ask = async (source: ProviderSourceKind) =>
      await codeOf(
        provideVolume(deps, { ...baseRequest, context }, by('project:github.com/acme:npm', source), noAbort),
      );
    expect(await ask('session')).toBe('E_GRANT');
    expect(await ask('repository')).toBe('taken');
    expect(await ask('user')).toBe('taken');
  });

  test('has no place on this machine', async () => {
    const { asked, deps } = world();
    for (const request of [by('team:', 'user'), by('team:', 'user', '/etc')]) {
      await provideVolume(deps, { ...baseRequest, context: confined }, request, noAbort);
      await provideVolume(deps, baseRequest, request, noAbort);
    }
    expect(asked.map(({ place }) => place)).toEqual([null, '/cache/indexed', null, '/etc']);
  });
});

test("a provider's error is cut at 500 characters", async () => {
  const { deps } = world();
  const talker: Provider = { kind: 'team', provide: async () => await Promise.reject(new Error('x'.repeat(100_000))) };
  const providers = { find: async () => await Promise.resolve(talker) };
  const asking = provideVolume({ ...deps, providers }, baseRequest, by('team:', 'flag'), noAbort);
  const { message } = (await asking.catch((error: unknown) => error)) as Error;
  expect(message.length).toBeLessThan(600);
  expect(message).toContain('x'.repeat(400));
});
