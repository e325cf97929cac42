import { setTimeout } from 'node:timers/promises';
import type { Provided, Provider } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { providerConformance } from './provider-conformance.ts';
import { providerLaws, type ProviderFixture } from './provider-laws.ts';

const right: Provider = {
  kind: 'team',
  async provide({ argument }, signal) {
    await setTimeout(1, undefined, { signal });
    if (argument !== 'payments') throw new Error('there is no such team');
    return { kind: 'nothing' };
  },
};

const fixtureOf = (provider: Partial<Provider>, more: Partial<ProviderFixture> = {}): ProviderFixture => ({
  provider: { ...right, ...provider },
  examples: [{ argument: 'payments', says: 'nothing' }],
  refuses: ['../payments'],
  secrets: ['s3cret'],
  [Symbol.asyncDispose]: async () => await Promise.resolve(),
  ...more,
});

providerConformance('one that keeps all of it', async () => await Promise.resolve(fixtureOf({})));

const failing = (thrown: unknown): Partial<Provider> => ({
  async provide(request, signal) {
    if (request.argument === 'payments') return await right.provide(request, signal);
    throw thrown;
  },
});

let count = 0;

describe('the laws fail for a provider that', () => {
  test.each<[string, ProviderFixture, readonly string[]]>([
    ['has the kind of a built-in one', fixtureOf({ kind: 'dir' }), ['kind of its own']],
    ['has a kind that references cannot name', fixtureOf({ kind: 'A team' }), ['kind of its own']],
    ['claims to be built in', fixtureOf({}, { isOurs: true }), ['kind of its own']],
    ['has no example', fixtureOf({}, { examples: [] }), ['has an example']],
    ['refuses nothing without declaring it', fixtureOf({}, { refuses: [] }), ['has an example']],
    [
      'ignores the signal',
      fixtureOf({
        provide: async () => await new Promise(() => undefined).then(() => ({ kind: 'nothing' })),
      }),
      ['ends soon'],
    ],
    [
      'ignores the signal during the call',
      fixtureOf({
        async provide(request, signal) {
          signal.throwIfAborted();
          await setTimeout(3000);
          return await right.provide(request, new AbortController().signal);
        },
      }),
      ['during the call'],
    ],
    [
      'answers instead of throwing',
      fixtureOf({ provide: async () => await Promise.resolve({ kind: 'nothing' }) }),
      ['throws'],
    ],
    ['throws a string', fixtureOf(failing('no')), ['throws']],
    ['shows a secret in a message', fixtureOf(failing(new Error('no s3cret'))), ['throws']],
    ['shows a secret in a hint', fixtureOf(failing(Object.assign(new Error('no'), { hint: 's3cret' }))), ['throws']],
    ['shows a secret in a cause', fixtureOf(failing(new Error('no', { cause: new Error('s3cret') }))), ['throws']],
    [
      'shows a secret in the cause of a cause',
      fixtureOf(failing(new Error('no', { cause: new Error('no', { cause: { stderr: 's3cret' } }) }))),
      ['throws'],
    ],
    [
      'answers in an invalid form',
      fixtureOf({ provide: async () => await Promise.resolve({ kind: 'all' } as unknown as Provided) }),
      ['answers in a valid form', 'throws'],
    ],
    [
      'gives another answer each time',
      fixtureOf({ provide: async () => await Promise.resolve({ kind: 'directory', directory: `/tmp/${count++}` }) }),
      ['gives the same answer'],
    ],
    [
      'changes the request',
      fixtureOf({
        async provide(request) {
          (request as { tool: string }).tool = 'npm';
          return await Promise.resolve({ kind: 'nothing' });
        },
      }),
      ['does not change the request'],
    ],
  ])('%s', async (_, fixture, noticed) => {
    const laws = providerLaws.filter(({ name }) => noticed.some((words) => name.includes(words)));
    expect(laws.length).toBeGreaterThanOrEqual(noticed.length);
    await Promise.all(
      laws.map(async (law) => await expect(law.check(fixture), law.name).rejects.toBeInstanceOf(Error)),
    );
  });
});
