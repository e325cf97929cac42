import { describe, expect, test } from 'vitest';
import { newId, parseGrantee, parseNamespace, parseVolumeName, isCovered, type GrantRecord } from '@cachelane/core';
import type { BoundsDependencies } from './bounds-of.ts';
import { requireReach } from './require-reach.ts';
import type { ReachQuestion } from '../model/reach-question.ts';

const [web, old, api, tier] = ['acme/web', 'acme/old', 'acme/api', 'acme'].map((text) => parseNamespace(text)) as [
  ReturnType<typeof parseNamespace>,
  ReturnType<typeof parseNamespace>,
  ReturnType<typeof parseNamespace>,
  ReturnType<typeof parseNamespace>,
];
const npm = parseVolumeName('npm');
const noAbort = new AbortController().signal;
const record = (fill: number, ...paths: (typeof web)[]) => ({
  id: newId('namespace', new Uint8Array(16).fill(fill)),
  paths,
  createdAtMs: 0,
});
const owner = record(2, api);
const records = [record(1, web, old), owner];

function granting(...grants: Partial<GrantRecord>[]): BoundsDependencies {
  const all = grants.map((more) => ({
    ownerId: owner.id,
    volume: npm,
    to: parseGrantee(old, 'to'),
    access: 'read' as const,
    trust: 'T1' as const,
    atMs: 0,
    by: 'test',
    ...more,
  }));
  return {
    metadata: {
      findNamespace: async (name) => await Promise.resolve(records.find(({ paths }) => paths.includes(name))),
      namespace: async (id) => await Promise.resolve(records.find((each) => each.id === id)),
      grantsTo: async (names) => await Promise.resolve(all.filter(({ to }) => isCovered(to, names))),
    },
  };
}

const asked: ReachQuestion = {
  caller: web,
  parents: [tier],
  namespace: api,
  volume: npm,
  access: 'read',
  lane: 't1:local' as ReachQuestion['lane'],
  word: 'repository',
};

async function refusal(deps: BoundsDependencies, more: Partial<ReachQuestion> = {}): Promise<string | null> {
  return await requireReach(deps, { ...asked, ...more }, noAbort).then(
    () => null,
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
}

describe('a volume of another namespace', () => {
  test('can be reached by a person without a grant, for reading and writing', async () => {
    expect(await refusal(granting(), { word: 'person', access: 'write' })).toBeNull();
  });

  test.each(['repository', 'confined'] as const)('needs a grant for a %s, by any of its names', async (word) => {
    const none = 'E_GRANT: acme/web has no grant to read acme/api:npm';
    expect(await refusal(granting(), { word })).toBe(none);
    expect(await refusal(granting({ to: parseGrantee('acme/**', 'to') }), { word })).toBeNull();
    expect(await refusal(granting({}), { word })).toBeNull();
    // A missing volume gives the same error.
    expect(await refusal(granting({}), { word, namespace: parseNamespace('acme/none') })).toBe(
      none.replace('api', 'none'),
    );
    expect(await refusal(granting({}), { word, access: 'write' })).toBe(
      'E_GRANT: acme/web has no grant to write acme/api:npm on lane t1:local',
    );
    expect(await refusal(granting({ access: 'write' }), { word, access: 'write' })).toBeNull();
    expect(await refusal(granting({ access: 'write', trust: 'T2' }), { word, access: 'write' })).not.toBeNull();
    expect(await refusal(granting(), { word, namespace: web, access: 'write' })).toBeNull();
  });

  test("a file of the repository reads the run's parents, and needs a grant to write there", async () => {
    expect(await refusal(granting(), { namespace: tier })).toBeNull();
    expect(await refusal(granting(), { namespace: tier, access: 'write' })).not.toBeNull();
    expect(await refusal(granting(), { namespace: tier, word: 'confined' })).not.toBeNull();
  });
});
