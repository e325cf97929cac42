import { expect, test } from 'vitest';
import type { Remote, SwapRequest } from '@cachelane/core';
import { memoryRemote, noAbort, seededRandom } from '@cachelane/testkit';
import { checkRemote } from './check-remote.ts';

/** A server that ignores one of the two conditions. */
function careless(remote: Remote, ignores: (request: SwapRequest) => boolean): Remote {
  const { heads } = remote;
  return {
    ...remote,
    heads: {
      ...heads,
      async swap(request, signal) {
        const now = (await heads.read(request.key, signal))?.version ?? null;
        return await heads.swap(ignores(request) ? { ...request, expected: now } : request, signal);
      },
    },
  };
}

test('a remote with conditional writes passes, and the check leaves no visible head', async () => {
  const remote = memoryRemote();
  await checkRemote(remote, seededRandom(1), noAbort);
  expect((await remote.heads.list('', {}, noAbort)).keys).toEqual([]);
});

test.each([
  ['If-None-Match', ({ expected }: SwapRequest) => expected === null],
  ['If-Match', ({ expected }: SwapRequest) => expected !== null],
])('a remote that ignores %s is unfit', async (condition, ignores) => {
  const check = checkRemote(careless(memoryRemote(), ignores), seededRandom(1), noAbort);
  await expect(check).rejects.toMatchObject({
    code: 'E_REMOTE_UNFIT',
    message: expect.stringContaining(condition) as unknown,
  });
});
