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

/** An argument and the provider's expected answer. */
export interface ProviderExample {
  readonly argument: string;
  /** Default: `pip` of `github.com/acme/web`, which has no place on this machine. */
  readonly request?: Partial<Omit<ProviderRequest, 'argument'>>;
  readonly says: Provided['kind'];
}

export interface ProviderFixture extends AsyncDisposable {
  readonly provider: Provider;
  /** At least one. */
  readonly examples: readonly ProviderExample[];
  /** Arguments that it refuses, at least one; 'nothing' if it refuses none. */
  readonly refuses: readonly string[] | 'nothing';
  /** Credentials that no error or cause may contain. */
  readonly secrets?: readonly string[];
  /** Whether it is built in. */
  readonly isOurs?: true;
}

/** A law of all providers; `check` throws. */
export interface ProviderLaw {
  readonly name: string;
  check(fixture: ProviderFixture): Promise<void>;
}

/** The limit after an abort. Stopping a program takes time on a busy machine. */
const soonMs = 2500;

export const providerLaws: readonly ProviderLaw[] = [
  {
    name: 'has a kind of its own that references can name',
    async check({ provider: { kind }, isOurs = false }) {
      expect(kind).toMatch(/^[a-z][a-z0-9-]{0,63}$/);
      expect(isProviderKind(kind), `${kind} is built in`).toBe(isOurs);
      await Promise.resolve();
    },
  },
  {
    name: 'has an example and a refused argument',
    async check({ examples, refuses }) {
      expect(examples.length, 'examples').toBeGreaterThan(0);
      expect(refuses.length, 'refuses').toBeGreaterThan(0);
      await Promise.resolve();
    },
  },
  {
    name: 'answers in a valid form',
    async check({ provider, examples }) {
      for (const example of examples) {
        const said: unknown = await provider.provide(requestOf(example), noAbort());
        expect(checkProvided(said).kind).toBe(example.says);
      }
    },
  },
  {
    name: 'names directories that exist',
    async check({ provider, examples }) {
      for (const example of examples) {
        const said = await provider.provide(requestOf(example), noAbort());
        if ('directory' in said) expect(statSync(said.directory).isDirectory()).toBe(true);
      }
    },
  },
  {
    name: 'gives the same answer to repeated and concurrent calls',
    async check({ provider, examples }) {
      for (const example of examples) {
        const ask = async (): Promise<Provided> => await provider.provide(requestOf(example), noAbort());
        const first = await ask();
        expect(await Promise.all([ask(), ask(), ask()])).toEqual([first, first, first]);
      }
    },
  },
  {
    name: 'does not change the request',
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
    name: 'throws if it cannot answer, and shows no secret in the error and its causes',
    async check({ provider, refuses, secrets = [] }) {
      for (const argument of refuses === 'nothing' ? [] : refuses) {
        const thrown: unknown = await provider.provide(requestOf({ argument }), noAbort()).then(
          () => null,
          (error: unknown) => error,
        );
        expect(thrown, argument).toBeInstanceOf(Error);
        // Like a program that prints the whole error with its causes.
        const shown = inspect(thrown, { depth: null, maxStringLength: null, maxArrayLength: null });
        for (const secret of secrets) expect(shown).not.toContain(secret);
      }
    },
  },
  {
    name: 'ends soon after an abort',
    async check({ provider, examples }) {
      for (const example of examples) await endsSoon(provider, example, { turns: 0 });
    },
  },
  {
    name: 'ends soon after an abort during the call',
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
  expect(isOver, `it did not end within ${soonMs} ms after the abort`).toBe(true);
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
