import type { Namespace } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { publishCatalog } from '../catalogs/publish-catalog.ts';
import { baseRequest, plainVolume, put, testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';
import { planVolume } from '../volumes/plan.ts';
import { explainTiers } from './explain-tiers.ts';
import { acme, contextOf, feedFrom, headOf, installIn, projectOf } from './tiers.fixture.ts';

const [web, api] = ['web', 'api'].map(projectOf) as [Namespace, Namespace];
/** The same name as {@link installIn} uses, but another tool. */
const other = { ...plainVolume, name: 'indexed' as typeof plainVolume.name };

async function otherIn(engine: TestEngine, project: Namespace): Promise<readonly unknown[]> {
  const { report } = await engine.run(([volume]) => put(volume, 'f', 'x'), {
    volumes: [other],
    request: { context: contextOf(project) },
  });
  return report.volumes[0]?.fed ?? [];
}

async function defineIn({ deps }: TestEngine, tool: string): Promise<void> {
  const value = { volumes: { bundle: { tool, key: 'indexed' } } };
  const offer = { path: acme, value, source: 'test', by: 'ann', breaking: true, dryRun: false };
  await publishCatalog(deps, offer, noAbort);
}

const warningsOf = ({ events }: TestEngine): readonly unknown[] =>
  events.flatMap((event) => (event.type === 'warning' ? [[event.message, event.hint]] : []));

async function feedingOf({ deps }: TestEngine, project: Namespace, isConfined = false): Promise<string | undefined> {
  const context = contextOf(project);
  const planned = planVolume(deps.tools, context, baseRequest.environment, other);
  return (await explainTiers(deps, { context, planned, isConfined }, noAbort))[0]?.feeding;
}

describe('the tool of a tier', () => {
  test("is the first feeder's; others get a warning with a hint", async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await installIn(engine, contextOf(api), 'left');
    expect(await otherIn(engine, web)).toEqual([]);
    const why = `${acme}:indexed is a volume of indexed, created by ${api}, and this volume is of directory`;
    expect(warningsOf(engine)).toEqual([
      [
        `indexed was not fed to ${acme}: ${why}`,
        `cachelane rm ${acme}:indexed removes it, so that the next run creates it again; a definition of indexed in its catalog would decide the tool`,
      ],
    ]);
    expect(await feedingOf(engine, web)).toBe(why);
    expect(await feedingOf(engine, web, true)).toBe('it takes nothing from runs here');
  });

  test("is its catalog's, even if another tool would have fed it first", async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    await defineIn(engine, 'indexed');
    expect(await otherIn(engine, web)).toEqual([]);
    expect(await headOf(engine, acme)).toBeUndefined();
    const why = `the catalog of ${acme} defines indexed for indexed, and this volume is of directory`;
    expect(warningsOf(engine)).toEqual([
      [`indexed was not fed to ${acme}: ${why}`, `use its definition or another name: cachelane catalog show ${acme}`],
    ]);
    expect(await feedingOf(engine, web)).toBe(why);
    expect((await installIn(engine, contextOf(api), 'left'))?.fed).toMatchObject([{ namespace: acme }]);
  });

  test("is its catalog's even if the volume is older, with a warning", async () => {
    const engine = testEngine();
    await feedFrom(engine, acme);
    expect(await otherIn(engine, web)).toHaveLength(1);
    await defineIn(engine, 'indexed');
    expect((await installIn(engine, contextOf(api), 'left'))?.fed).toEqual([]);
    expect(warningsOf(engine)).toEqual([
      [
        `indexed was not fed to ${acme}: ${acme}:indexed is a volume of directory, created by ${web}, and this volume is of indexed`,
        `its catalog says indexed, but the volume is older: cachelane rm ${acme}:indexed removes it, so that the next run creates it again`,
      ],
    ]);
    expect(await otherIn(engine, web)).toEqual([]);
  });
});
