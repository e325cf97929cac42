import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  checkProvided,
  isProviderKind,
  parseNamespace,
  parseVolumeName,
  type Provided,
  type Provider,
  type ProviderRequest,
} from '@cachelane/core';
import { expect } from 'vitest';

/** What a provider is to say to an argument. */
export interface ProviderExample {
  readonly argument: string;
  /** Left out of it: `pip` of `github.com/acme/web`, for which this machine has no place. */
  readonly request?: Partial<Omit<ProviderRequest, 'argument'>>;
  readonly says: Provided['kind'];
}

export interface ProviderFixture extends AsyncDisposable {
  readonly provider: Provider;
  /** At least one. */
  readonly examples: readonly ProviderExample[];
  /** Arguments that it cannot answer, of whatever shape: at least one, or the word that there is none. */
  readonly refuses: readonly string[] | 'nothing';
  /** Texts that no error may show, nor what caused it: what it signs in with. */
  readonly secrets?: readonly string[];
  /** Cachelane comes with it: its kind is one of ours. */
  readonly isOurs?: true;
}

/** One thing that every provider keeps; `check` throws where it does not. */
export interface ProviderLaw {
  readonly name: string;
  check(fixture: ProviderFixture): Promise<void>;
}

/** Who is not done so long after an abort does not listen. A program that has to be stopped takes its time on a busy machine. */
const soonMs = 2500;

export const providerLaws: readonly ProviderLaw[] = [
  {
    name: 'has a kind of its own, that references can name',
    async check({ provider: { kind }, isOurs = false }) {
      expect(kind).toMatch(/^[a-z][a-z0-9-]{0,63}$/);
      expect(isProviderKind(kind), `${kind} is one that cachelane comes with`).toBe(isOurs);
      await Promise.resolve();
    },
  },
  {
    name: 'has an example, and something that it refuses',
    async check({ examples, refuses }) {
      expect(examples.length, 'examples').toBeGreaterThan(0);
      expect(refuses.length, 'refuses').toBeGreaterThan(0);
      await Promise.resolve();
    },
  },
  {
    name: 'answers what it is asked, in a form that is understood',
    async check({ provider, examples }) {
      for (const example of examples) {
        const said: unknown = await provider.provide(requestOf(example), noAbort());
        expect(checkProvided(said).kind).toBe(example.says);
      }
    },
  },
  {
    name: 'names directories that are there',
    async check({ provider, examples }) {
      for (const example of examples) {
        const said = await provider.provide(requestOf(example), noAbort());
        if ('directory' in said) expect(statSync(said.directory).isDirectory()).toBe(true);
      }
    },
  },
  {
    name: 'says the same to the same question, one after the other and at once',
    async check({ provider, examples }) {
      for (const example of examples) {
        const ask = async (): Promise<Provided> => await provider.provide(requestOf(example), noAbort());
        const first = await ask();
        expect(await Promise.all([ask(), ask(), ask()])).toEqual([first, first, first]);
      }
    },
  },
  {
    name: 'leaves the question as it is',
    async check({ provider, examples }) {
      for (const example of examples) {
        const request = requestOf(example);
        Object.freeze(request);
        Object.freeze(request.compat);
        await provider.provide(request, noAbort());
        expect(request).toEqual(requestOf(example));
      }
    },
  },
  {
    name: 'throws where it cannot answer, and shows no secret, nor does what caused it',
    async check({ provider, refuses, secrets = [] }) {
      for (const argument of refuses === 'nothing' ? [] : refuses) {
        const thrown: unknown = await provider.provide(requestOf({ argument }), noAbort()).then(
          () => null,
          (error: unknown) => error,
        );
        expect(thrown, argument).toBeInstanceOf(Error);
        // As whoever prints it whole: with its fields, its causes and theirs.
        const shown = inspect(thrown, { depth: null, maxStringLength: null, maxArrayLength: null });
        for (const secret of secrets) expect(shown).not.toContain(secret);
      }
    },
  },
  {
    name: 'ends soon where nobody waits any more',
    async check({ provider, examples }) {
      for (const example of examples) await endsSoon(provider, example, { turns: 0 });
    },
  },
  {
    name: 'ends soon where nobody waits any more in the middle of it',
    async check({ provider, examples }) {
      for (const example of examples) for (const turns of [1, 3]) await endsSoon(provider, example, { turns });
    },
  },
];

const over = (): boolean => true;

async function endsSoon(
  provider: Provider,
  example: ProviderExample,
  { turns }: { readonly turns: number },
): Promise<void> {
  const abort = new AbortController();
  if (turns === 0) abort.abort();
  const ended = provider.provide(requestOf(example), abort.signal).then(over, over);
  for (let turn = 0; turn < turns; turn++) await setImmediate();
  abort.abort();
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), soonMs);
  const isOver = await Promise.race([ended, late]);
  clearTimeout(timer);
  expect(isOver, `it is not over ${soonMs} ms after the abort`).toBe(true);
}

function requestOf({ argument, request }: Omit<ProviderExample, 'says'>): ProviderRequest {
  return {
    volume: parseVolumeName('pip'),
    tool: 'pip',
    compat: { arch: 'x64', os: 'linux' },
    project: parseNamespace('github.com/acme/web'),
    place: null,
    fetch: { seedBytes: 1_000_000_000, diskBytes: 1_000_000_000 },
    ...request,
    argument,
  };
}

function noAbort(): AbortSignal {
  return new AbortController().signal;
}
