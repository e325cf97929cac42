import { parseProjectArgument, type Provider } from '@cachelane/core';

// Providers that do not depend on the machine.

/** Provides the project's own volume, or that of an address. */
export const projectProvider: Provider = {
  kind: 'project',
  async provide({ argument, project }) {
    const address = parseProjectArgument(argument);
    if (address === null) return await Promise.resolve({ kind: 'volume' });
    return { kind: 'volume', namespace: address.namespace ?? project, name: address.name };
  },
};

export const noneProvider: Provider = {
  kind: 'none',
  provide: async () => await Promise.resolve({ kind: 'nothing' }),
};
