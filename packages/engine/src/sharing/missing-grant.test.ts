import { parseGrantee, parseNamespace } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { indexedVolume, install, look, put, testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';
import { grantVolumes, withdrawGrant } from './grants.ts';

const noAbort = new AbortController().signal;
const api = parseNamespace('github.com/acme/api');
const granted = {
  owner: api,
  volume: indexedVolume.name,
  to: parseGrantee('github.com/acme/web', 'to'),
  dryRun: false,
} as const;

/** As a file of the repository has it. */
const theirs = { ...indexedVolume, namespace: api, word: 'repository' } as const;
const ofPerson = { ...theirs, word: 'person' } as const;

async function give({ deps }: TestEngine): Promise<void> {
  await grantVolumes(deps, { ...granted, access: 'write', trust: 'T1', by: 'test' }, noAbort);
}

async function take({ deps }: TestEngine): Promise<void> {
  await withdrawGrant(deps.metadata, granted, noAbort);
}

const why = `github.com/acme/web has no grant to write github.com/acme/api:${indexedVolume.name} on lane t1:local`;

const warnings = ({ events }: TestEngine): readonly object[] => events.filter(({ type }) => type === 'warning');

describe('a grant to write', () => {
  test.each(['overlay', 'live'] as const)(
    'withdrawn during the command, with %s: saves nothing, with a warning, and the command ends as usual',
    async (mounter) => {
      const engine = testEngine();
      await give(engine);
      for (const strict of [false, true]) {
        const { report, outcome } = await engine.run(
          async ([volume]) => {
            install(volume, 'b');
            await take(engine);
          },
          { volumes: [theirs], exitCode: 3, request: { strict, mounter } },
        );
        expect(outcome.exitCode).toBe(3);
        expect(report.volumes).toMatchObject([{ skipped: why, added: 0, layer: null }]);
        expect(await engine.deps.metadata.listHeads(noAbort)).toEqual([]);
        await give(engine);
      }
      expect(warnings(engine)).toMatchObject([
        { code: 'E_GRANT', message: `${indexedVolume.name} was not saved: ${why}` },
        { code: 'E_GRANT' },
      ]);
    },
  );

  test('that stays allows the save, and one withdrawn during the run does not affect its reads', async () => {
    const engine = testEngine();
    await give(engine);
    const { report } = await engine.run(([volume]) => install(volume, 'a'), { volumes: [theirs] });
    expect(report.volumes).toMatchObject([{ skipped: null, added: 2 }]);
    await engine.run(
      async ([volume]) => {
        await take(engine);
        expect(volume?.exists('content/a')).toBe(true);
      },
      { volumes: [theirs], request: { mode: 'read' } },
    );
    expect(warnings(engine)).toEqual([]);
    expect(await look(engine, { volumes: [ofPerson] })).toMatchObject({ 'content/a': 'bytes of a' });
  });

  test('that never existed gives no warning at the end', async () => {
    const engine = testEngine();
    await engine.run(([volume]) => install(volume, 'a'), { volumes: [ofPerson] });
    await grantVolumes(engine.deps, { ...granted, access: 'read', trust: 'T1', by: 'test' }, noAbort);
    const { report } = await engine.run(([volume]) => install(volume, 'b'), { volumes: [theirs] });
    expect(report.volumes).toMatchObject([{ skipped: why, hits: [{ namespace: api }], layer: null }]);
    expect(warnings(engine)).toEqual([]);
    expect(await look(engine, { volumes: [ofPerson] })).not.toHaveProperty('content/b');
  });

  test("is not needed for the own volume or for a person's choice", async () => {
    const engine = testEngine();
    for (const volume of [ofPerson, { ...indexedVolume, word: 'repository' } as const]) {
      const { report } = await engine.run(([each]) => put(each, 'content/x', 'x'), { volumes: [volume] });
      expect(report.volumes).toMatchObject([{ skipped: null, added: 1 }]);
    }
  });

  test('that cannot be checked prevents the save', async () => {
    const engine = testEngine();
    await give(engine);
    const { metadata } = engine.deps;
    const { report } = await engine.run(
      ([volume]) => {
        install(volume, 'b');
        metadata.grantsTo = async () => await Promise.reject(new Error('the disk is gone'));
      },
      { volumes: [theirs], request: { strict: false } },
    );
    expect(report.volumes).toMatchObject([{ skipped: 'the disk is gone', layer: null }]);
    expect(await metadata.listHeads(noAbort)).toEqual([]);
  });
});
