import { expect, test } from 'vitest';
import { openApi } from '../execute/api.ts';
import { forkOf, idOf } from '../mutations/mutations-killed.fixture.ts';
import { testWorld } from '../execute/test-world.fixture.ts';
import { startTestServer } from './test-server.fixture.ts';

test.each([true, false])(
  'a commit without its client is finished before the engine ends, patient or not: %s',
  async (isPatient) => {
    await using on = testWorld();
    const log: string[] = [];
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: after, resolve: goOn } = Promise.withResolvers<void>();
    const afterSaving = async (): Promise<void> => {
      begin();
      await after;
      log.push('saved');
    };
    const place = { directory: '/web', namespace: null, environment: null, isConfined: false };
    const api = openApi({ ...on.world, afterSaving }, place);
    await using served = await startTestServer({ api, on: 'socket' });
    const asking = {
      ...on,
      data: async (query: string, { variables = {} } = {}) => {
        const { answer } = await served.ask({ body: { query, variables } });
        return answer.data as Record<string, unknown>;
      },
    };
    const fork = await forkOf(asking, [await idOf(asking, 'npm')], 'mine');
    const body = JSON.stringify({
      query: 'mutation ($fork: ID!) { commit(fork: $fork) { key } }',
      variables: { fork: fork.id },
    });
    const client = await served.connect();
    client.write(
      `POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    await begun;
    client.destroy();
    while (served.clientCounts.at(-1) !== 0) await new Promise(setImmediate);
    await served.server.stop({ isPatient });
    const ended = api[Symbol.asyncDispose]().then(() => log.push('ended'));
    // Work without a client has ended by then.
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
    goOn();
    await ended;
    expect(log).toEqual(['saved', 'ended']);
  },
);
