import type { CommandOutcome, Runtime, RunRequest } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { runOnce } from '../../run/once.ts';
import { exited, stage } from '../../fixtures/staged-host.fixture.ts';

describe('shell', () => {
  test.each([
    [{ SHELL: '/bin/zsh' }, [], ['/bin/zsh']],
    [{ SHELL: '' }, [], ['/bin/sh']],
    [{}, [], ['/bin/sh']],
    [{}, ['--'], ['/bin/sh']],
    [{ SHELL: '/bin/zsh' }, ['--', 'gopls', '-v'], ['gopls', '-v']],
    [{ SHELL: '/bin/zsh' }, ['gopls', '-v'], ['gopls', '-v']],
  ] as const)('%j %j runs %j', async (env, argv, command) => {
    using on = stage({ env, command: () => exited(3) });
    expect(await on.cachelane('shell', '--mode', 'none', ...argv)).toBe(3);
    expect(on.commands).toMatchObject([{ argv: command }]);
  });

  test('has the options and exit codes of run', async () => {
    using on = stage();
    expect(await on.cachelane('shell', '--comit', 'exit')).toBe(125);
    expect(on.err()).toContain('did you mean --commit?');
    expect(await on.cachelane('shell', '--strict', '-v', 'npm')).toBe(125);
    expect(on.commands).toEqual([]);
    expect(await on.cachelane('shell', '-v', 'npm')).toBe(0);
    expect(on.err()).toContain('the command runs without a cache');
  });

  test('help shows that the command is optional', async () => {
    using on = stage();
    await on.cachelane('help', 'shell');
    expect(on.out()).toMatch(/^Usage: cachelane shell \[OPTION\]\.\.\. \[\[--\] COMMAND \[ARGUMENT\]\.\.\.\]$/m);
  });
});

describe('the exit code of a shell’s last command', () => {
  const request: RunRequest = { argv: ['sh'], cwd: '/', env: {}, mounts: [], leaseFile: null };

  async function outcomeOf(ended: CommandOutcome, isShell: boolean): Promise<CommandOutcome> {
    const runtime: Runtime = {
      name: 'one outcome',
      run: () => Promise.resolve(ended),
      survivors: () => Promise.resolve([]),
      endSurvivors: () => Promise.resolve([]),
    };
    const { signal: abort } = new AbortController();
    return await runOnce(runtime, { phase: { state: 'not-started' }, abort, isShell }).runtime.run(request);
  }

  test.each([130, 131, 141, 148])('%d was not interrupted', async (code) => {
    expect(await outcomeOf(exited(code, { interrupted: true }), true)).toMatchObject({ interrupted: false });
    expect(await outcomeOf(exited(code, { interrupted: true }), false)).toMatchObject({ interrupted: true });
  });

  test('was interrupted if it was killed or we got a signal', async () => {
    for (const code of [129, 137, 143]) {
      expect(await outcomeOf(exited(code, { interrupted: true }), true)).toMatchObject({ interrupted: true });
    }
    const asked = exited(130, { interrupted: true, receivedSignal: 'SIGINT' });
    expect(await outcomeOf(asked, true)).toMatchObject({ interrupted: true });
  });
});
