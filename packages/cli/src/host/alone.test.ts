import { CachelaneError, type Lease, type LeaseStore } from '@cachelane/core';
import { expect, test } from 'vitest';
import { alone, aloneOrNext } from './alone.ts';

const { signal } = new AbortController();

function leaseStore(): LeaseStore {
  const held = new Set<string>();
  return {
    isHeld: (id) => Promise.resolve(held.has(id)),
    acquire: (id) => {
      if (held.has(id)) return Promise.reject(new CachelaneError('E_INTERNAL', 'it was acquired before'));
      held.add(id);
      const lease: Lease = {
        commandFile: '',
        [Symbol.asyncDispose]: () => Promise.resolve(void held.delete(id)),
      };
      return Promise.resolve(lease);
    },
  };
}

const host = {
  clock: {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: () => new Promise<void>((resolve) => void setImmediate(resolve)),
  },
};

test('one background process works, one waits, and the others end', async () => {
  const leases = leaseStore();
  const first = await aloneOrNext(host, leases, 'push', signal);
  const second = aloneOrNext(host, leases, 'push', signal);
  await host.clock.sleep();
  expect(await aloneOrNext(host, leases, 'push', signal)).toBeNull();
  await first?.[Symbol.asyncDispose]();
  const next = await second;
  expect(next).not.toBeNull();
  // Whoever comes now comes after the second one began.
  const third = aloneOrNext(host, leases, 'push', signal);
  await next?.[Symbol.asyncDispose]();
  expect(await third).not.toBeNull();
});

test('two that begin at once run one after the other', async () => {
  const leases = leaseStore();
  const both = [alone(host, leases, 'push', signal), alone(host, leases, 'push', signal)];
  const first = await Promise.race(both);
  await first[Symbol.asyncDispose]();
  await Promise.all(both);
});
