import type { LeaseStore } from '@cachelane/core';

/** `held`: sessions whose processes live; what those of one machine share. */
export function memoryLeases(held: Set<string>): LeaseStore {
  return {
    acquire: async (id) => {
      held.add(id);
      return await Promise.resolve({
        commandFile: `/leases/${id}`,
        [Symbol.asyncDispose]: async () => void (await Promise.resolve(held.delete(id))),
      });
    },
    isHeld: async (id) => await Promise.resolve(held.has(id)),
  };
}
