import type { TestEngine } from '../testing/test-engine.fixture.ts';

export const dayMs = 86_400_000;

/** The same home some time later. */
export function later(engine: TestEngine, ms: number): TestEngine['deps'] {
  const nowMs = engine.deps.clock.nowMs() + ms;
  return { ...engine.deps, clock: { ...engine.deps.clock, nowMs: () => nowMs } };
}
