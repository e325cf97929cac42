import { expect, test } from 'vitest';
import { openApi } from '../execute/api.ts';
import { testWorld } from '../execute/test-world.fixture.ts';
import type { SavedWork } from '../request/world.ts';

const { signal } = new AbortController();

test("a clean-up's save is passed on to be pushed, and a dry run passes nothing", async () => {
  await using on = testWorld();
  await on.save('/web', 'npm', { a: '1' });
  const told: SavedWork[] = [];
  const world = { ...on.world, afterSaving: async (saved: SavedWork) => await Promise.resolve(void told.push(saved)) };
  await using api = openApi(world, { directory: '/web', namespace: null, environment: null, isConfined: false });
  const ask = async <T>(query: string, variables: object = {}): Promise<T> => {
    const asked = { query, variables: { ...variables }, operationName: null };
    const { data, errors } = await api.execute(asked, null, signal);
    expect(errors).toBeUndefined();
    return data as T;
  };
  const { cacheVolume: npm } = await ask<{ cacheVolume: { id: string } }>('{ cacheVolume(key: "npm") { id } }');
  await ask('mutation ($id: ID!) { prune(volume: $id, dryRun: true) { command } }', npm);
  expect(told).toEqual([]);
  await ask('mutation ($id: ID!) { prune(volume: $id) { command } }', npm);
  expect(told.map(({ reports }) => reports.map(({ name }) => name))).toEqual([['npm']]);
  expect(told[0]?.context.namespace).toBe('github.com/acme/web');
});
