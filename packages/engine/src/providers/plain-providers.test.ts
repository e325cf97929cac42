import { providerConformance } from '@cachelane/testkit';
import { noneProvider, projectProvider } from './plain-providers.ts';

const nothingToDo = async (): Promise<void> => await Promise.resolve();

providerConformance(
  'project',
  async () =>
    await Promise.resolve({
      provider: projectProvider,
      isOurs: true,
      examples: [
        { argument: '', says: 'volume' },
        { argument: 'other', says: 'volume' },
        { argument: 'github.com/acme/shared:pip', says: 'volume' },
      ] as const,
      refuses: ['a b', 'github.com/acme', 'a b:pip'],
      [Symbol.asyncDispose]: nothingToDo,
    }),
);

providerConformance(
  'none',
  async () =>
    await Promise.resolve({
      provider: noneProvider,
      isOurs: true,
      examples: [{ argument: '', says: 'nothing' }] as const,
      refuses: 'nothing',
      [Symbol.asyncDispose]: nothingToDo,
    }),
);
