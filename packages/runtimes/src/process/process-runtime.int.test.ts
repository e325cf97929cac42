import { requireCommands, runtimeConformance } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createRuntimeFixture } from './conformance.fixture.ts';
import { processRuntime } from './process-runtime.ts';

requireCommands('bwrap', 'flock')('processes', () => {
  runtimeConformance('process', createRuntimeFixture);
});

requireCommands('flock')('processes, with nothing mounted', () => {
  runtimeConformance('process', async () => await createRuntimeFixture('in place'));
});

test('an empty command runs nothing; env alone would print the environment', async () => {
  const runtime = processRuntime({ path: '/usr/bin:/bin' });
  const request = { argv: [], cwd: '/', env: {}, mounts: [], leaseFile: null };
  await expect(runtime.run(request)).rejects.toThrow('a command has a name');
});
