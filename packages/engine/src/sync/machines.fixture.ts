import type { LayerId } from '@cachelane/core';
import {
  emptyRemoteState,
  faultyRemote,
  memoryRemote,
  noAbort,
  type MemoryRemoteState,
  type RemoteFault,
} from '@cachelane/testkit';
import { expect } from 'vitest';
import { install, testEngine, type TestEngine, type TestRun } from '../testing/test-engine.fixture.ts';

export const lenient = { request: { strict: false } } as const;

export interface Machines {
  readonly state: MemoryRemoteState;
  /** Adds a machine with an empty store. */
  readonly machine: (
    decide?: (call: { readonly operation: string; readonly number: number }) => RemoteFault | undefined,
  ) => TestEngine;
}

let count = 0;

export function machines(): Machines {
  const state = emptyRemoteState();
  return {
    state,
    machine: (decide = () => undefined) =>
      testEngine({ seed: `machine-${++count} `, remote: faultyRemote(memoryRemote(state), decide) }),
  };
}

export async function installOn(
  engine: TestEngine,
  name: string,
  options: TestRun = {},
): ReturnType<TestEngine['run']> {
  return await engine.run(([volume]) => install(volume, name), options);
}

export const warnings = ({ events }: TestEngine): readonly string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

export async function onlyHead({ deps }: TestEngine): Promise<readonly LayerId[]> {
  const [head, ...others] = await deps.metadata.listHeads(noAbort);
  expect(others).toEqual([]);
  return head?.layers ?? [];
}
