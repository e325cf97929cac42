import type { LeaseStore } from '@cachelane/core';

/** `held`: live sessions, shared by the processes of one machine. */
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
