import { statSync } from 'node:fs';
import {
  checkProvided,
  parseNamespace,
  parseVolumeName,
  type Provided,
  type Provider,
  type ProviderRequest,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';

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
  /** Arguments that it cannot answer, of whatever shape. */
  readonly refuses: readonly string[];
  /** Texts that no error may show: what it signs in with. */
  readonly secrets?: readonly string[];
}

/** What every provider keeps, ours and those of others. `open` makes a world in which it works; it is called for each test. */
export function providerConformance(name: string, open: () => Promise<ProviderFixture>): void {
  describe(`provider: ${name}`, () => {
    test('has a kind that references can name', async () => {
      await using fixture = await open();
      expect(fixture.provider.kind).toMatch(/^[a-z][a-z0-9-]{0,63}$/);
    });

    test('is shown with something that it answers', async () => {
      await using fixture = await open();
      expect(fixture.examples).not.toEqual([]);
    });

    test('answers what it is asked, in a form that is understood', async () => {
      await using fixture = await open();
      for (const example of fixture.examples) {
        const said: unknown = await fixture.provider.provide(requestOf(example), noAbort());
        expect(checkProvided(said).kind).toBe(example.says);
      }
    });

    test('names directories that are there', async () => {
      await using fixture = await open();
      for (const example of fixture.examples) {
        const said = await fixture.provider.provide(requestOf(example), noAbort());
        if ('directory' in said) expect(statSync(said.directory).isDirectory()).toBe(true);
      }
    });

    test('says the same to the same question, one after the other and at once', async () => {
      await using fixture = await open();
      for (const example of fixture.examples) {
        const ask = async () => await fixture.provider.provide(requestOf(example), noAbort());
        const first = await ask();
        expect(await Promise.all([ask(), ask(), ask()])).toEqual([first, first, first]);
      }
    });

    test('leaves the question as it is', async () => {
      await using fixture = await open();
      for (const example of fixture.examples) {
        const request = requestOf(example);
        Object.freeze(request);
        Object.freeze(request.compat);
        await fixture.provider.provide(request, noAbort());
        expect(request).toEqual(requestOf(example));
      }
    });

    test('throws where it cannot answer, and shows no secret', async () => {
      await using fixture = await open();
      for (const argument of fixture.refuses) {
        const thrown: unknown = await fixture.provider.provide(requestOf({ argument }), noAbort()).then(
          () => null,
          (error: unknown) => error,
        );
        expect(thrown, argument).toBeInstanceOf(Error);
        const { message, hint = '' } = thrown as Error & { readonly hint?: string };
        for (const secret of fixture.secrets ?? []) expect(`${message} ${hint}`).not.toContain(secret);
      }
    });

    test('ends soon where nobody waits any more', async () => {
      await using fixture = await open();
      for (const example of fixture.examples) {
        const ended = fixture.provider.provide(requestOf(example), AbortSignal.abort()).then(
          () => true,
          () => true,
        );
        expect(await ended).toBe(true);
      }
    });
  });
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
