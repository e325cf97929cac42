import type { CommitRequest, FeedRecord } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { playTiers } from './tiers-play.fixture.ts';

async function firstFault(
  options: Omit<Parameters<typeof playTiers>[0], 'seed'>,
  seeds: number,
): Promise<string | null> {
  for (let seed = 1; seed <= seeds; seed++) {
    const fault = await playTiers({ ...options, seed });
    if (fault !== null) return `seed ${seed}: ${fault}`;
  }
  return null;
}

/** Whether a commit is a feed: it adds known layers and pushes none. */
const isFeed = ({ layer, origins, rewritten = [] }: CommitRequest): boolean =>
  layer === null && origins !== undefined && rewritten.length > 0;

const committing =
  (change: (request: CommitRequest) => CommitRequest) =>
  (deps: EngineDependencies): EngineDependencies => ({
    ...deps,
    metadata: {
      ...deps.metadata,
      commit: async (request: CommitRequest, signal: AbortSignal) =>
        await deps.metadata.commit(isFeed(request) ? change(request) : request, signal),
    },
  });

describe('projects under several tiers', () => {
  test('lose nothing, share nothing without a rule, and keep no file of a revoked run', async () => {
    expect(await firstFault({}, 40)).toBeNull();
  });

  test.each([
    {
      title: 'a feed replaces what others fed',
      plant: committing((request) => ({ ...request, layers: (request.rewritten ?? []).map(({ id }) => id) })),
    },
    {
      title: 'a feed adds only half',
      plant: committing((request) => ({ ...request, layers: request.layers.slice(1) })),
    },
    {
      title: 'a rule applies to projects that it does not name',
      plant: (deps: EngineDependencies) => ({
        ...deps,
        metadata: {
          ...deps.metadata,
          feedsOf: async (...asked: Parameters<typeof deps.metadata.feedsOf>) =>
            (await deps.metadata.feedsOf(...asked)).map((rule): FeedRecord => ({
              ...rule,
              from: { namespace: 'github.com/acme' as FeedRecord['from']['namespace'], below: true },
            })),
        },
      }),
    },
  ])('find the planted fault: $title', async ({ plant }) => {
    expect(await firstFault({ plant }, 200)).not.toBeNull();
  });
});
