import { schemaText } from '@cachelane/protocol';
import { dyingProcess, type DeathPoint, type DyingProcess } from '@cachelane/testkit';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../execute/execute.ts';
import { mutationCases, stateOf, type Asking, type MutationCase } from './mutations-killed.fixture.ts';
import { testHome, testWorld, type TestHome, type TestWorld } from '../execute/test-world.fixture.ts';

/*
 * Invariant: an engine that dies at any operation of its store, in any mutation, leaves the state before or after it (for a commit, for
 * each volume separately). Repeating the request on the next engine returns the lost answer or what was not done. Nothing is done twice.
 */

const immortal: DeathPoint = { operation: 0, when: 'before' };

const ask = async (on: TestWorld, { query, ...more }: Asking): Promise<Answer> => await on.ask(query, more);

interface Started {
  readonly home: TestHome;
  readonly engine: TestWorld;
  readonly life: DyingProcess;
  readonly asking: Asking;
}

/** The engine that gets the mutation. */
async function start({ prepare, begin, equip }: MutationCase, point: DeathPoint): Promise<Started> {
  const home = testHome();
  {
    await using before = testWorld({ home });
    await prepare(before);
  }
  const life = dyingProcess(point);
  const engine = testWorld({ home, life });
  equip?.(engine);
  return { home, engine, life, asking: await begin(engine) };
}

/** The next engine of the home; the previous one's locks are gone. */
function next({ home }: Started): TestWorld {
  home.held.clear();
  return testWorld({ home });
}

async function seenBy(engine: TestWorld): Promise<Readonly<Record<string, unknown>>> {
  await using _ = engine;
  return await stateOf(engine);
}

/** Only changed parts count, as engines differ otherwise. */
function changedIn(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(before).filter((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part]));
}

interface Undisturbed {
  readonly first: Answer;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  readonly points: readonly DeathPoint[];
}

async function undisturbed(of: MutationCase): Promise<Undisturbed> {
  const before = await seenBy(next(await start(of, immortal)));
  const started = await start(of, immortal);
  const { engine, life, asking } = started;
  const from = life.operations.length;
  const first = await ask(engine, asking);
  const points = life.operations.slice(from).flatMap((_, index): readonly DeathPoint[] => {
    const operation = from + index + 1;
    const after = { operation, when: 'after' } as const;
    return index === 0 ? [{ operation, when: 'before' }, after] : [after];
  });
  expect(first.errors).toBeUndefined();
  const after = await seenBy(next(started));
  return { first, before, after, points };
}

async function dieAt(of: MutationCase, point: DeathPoint, known: Undisturbed): Promise<void> {
  const { first, before, after } = known;
  const started = await start(of, point);
  await ask(started.engine, started.asking);
  expect(started.life.isDead).toBe(true);
  await using engine = next(started);
  of.equip?.(engine);
  const now = await stateOf(engine);
  const changed = changedIn(before, after);
  const done = changed.filter((part) => !changedIn(before, now).every((each) => each !== part));
  expect(now).toEqual({ ...before, ...Object.fromEntries(done.map((part) => [part, after[part]])) });
  if (of.inParts !== true) expect([0, changed.length]).toContain(done.length);
  const got = await ask(engine, started.asking);
  expect(got).toEqual(of.answer({ first, done, changed, got }));
  const isDone = got.errors === undefined || changed.length === 0;
  expect(await stateOf(engine)).toEqual(isDone ? after : now);
  // A second repetition changes nothing either.
  await ask(engine, started.asking);
  expect(await stateOf(engine)).toEqual(isDone ? after : now);
}

test('every mutation has a case', () => {
  const fields = Object.keys(buildSchema(schemaText).getMutationType()?.getFields() ?? {});
  const cases = Object.keys(mutationCases).map((name) => name.split(' ')[0]);
  expect(new Set(cases)).toEqual(new Set(fields));
});

describe.each(Object.entries(mutationCases))('%s', (_, of) => {
  test('can be repeated after a lost answer', async () => {
    const { first, after } = await undisturbed(of);
    const started = await start(of, immortal);
    expect(await ask(started.engine, started.asking)).toEqual(first);
    expect(await ask(started.engine, started.asking)).toEqual(of.again ?? first);
    expect(await seenBy(started.engine)).toEqual(after);
  });

  test('can be sent twice at once', async () => {
    const { first, after } = await undisturbed(of);
    const started = await start(of, immortal);
    const both = [ask(started.engine, started.asking), ask(started.engine, started.asking)];
    const answers = await Promise.all(both);
    expect(answers).toContainEqual(first);
    const may = [first, of.again ?? first, of.meanwhile ?? first];
    for (const answer of answers) expect(may).toContainEqual(answer);
    expect(await seenBy(started.engine)).toEqual(after);
  });

  test('can be repeated after the engine died', async () => {
    const known = await undisturbed(of);
    for (const point of known.points) {
      try {
        await dieAt(of, point, known);
      } catch (error) {
        throw new Error(`an engine that died ${point.when} operation ${point.operation}`, { cause: error });
      }
    }
  });
});
