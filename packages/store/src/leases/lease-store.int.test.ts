import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { limits, newId, type SessionId } from '@cachelane/core';
import { compiledSources, noAbort, requireCommands } from '@cachelane/testkit';
import { scratchDir } from '../metadata/real-world.fixture.ts';
import { openLeaseStore } from './lease-store.ts';

const script = fileURLToPath(new URL('./lease-process.fixture.ts', import.meta.url));
/** Runs a process in its own PID namespace, like a container. It dies with its parent. */
const inPidNamespace = ['bwrap', '--dev-bind', '/', '/', '--unshare-pid', '--proc', '/proc', '--die-with-parent', '--'];

const command = 'echo held; exec cat <&3';

const session = (number: number): SessionId => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return newId('session', bytes);
};

const env = { ...process.env, ...compiledSources };

interface Process {
  readonly child: ChildProcess;
  /** Its output, once it and everything that inherited its output have ended. */
  readonly printed: Promise<readonly string[]>;
  /**
   * The end of this input ends a holder and its command. It is not stdin, which Node closes with the process even
   * if others inherited it.
   */
  readonly input: Writable;
}

function start(args: readonly string[], prefix: readonly string[] = []): Process {
  const argv = [...prefix, process.execPath, script, ...args];
  const child = spawn(argv[0] as string, argv.slice(1), { env, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  const printed = linesOf(createInterface({ input: child.stdout as Readable }));
  return { child, printed, input: child.stdio[3] as Writable };
}

async function linesOf(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const list: string[] = [];
  for await (const line of lines) list.push(line);
  return list;
}

/** Starts a process that holds the lease of session 1, itself or through a command. */
async function holder(dir: string, command: readonly string[] = [], prefix: readonly string[] = []): Promise<Process> {
  const started = start(['hold', dir, '1', ...command], prefix);
  const [line] = (await once(started.child.stdout as Readable, 'data')) as readonly unknown[];
  expect(String(line)).toBe('held\n');
  return started;
}

/** Kills the client. Its children live on. */
async function kill({ child }: Process): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Ends what still runs. */
async function end({ input, printed }: Process): Promise<void> {
  input.end();
  await printed;
}

function ask(dir: string, prefix: readonly string[] = []): string {
  const argv = [...prefix, process.execPath, script, 'ask', dir, '1'];
  return spawnSync(argv[0] as string, argv.slice(1), {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  }).stdout.trim();
}

describe('a lease', () => {
  test('is held from acquire to dispose, and leaves no files', async () => {
    using dir = scratchDir();
    const sessionsDir = join(dir.path, 'sessions');
    const store = openLeaseStore({ sessionsDir });
    expect(await store.isHeld(session(1), noAbort)).toBe(false);
    const lease = await store.acquire(session(1), noAbort);
    expect(await store.isHeld(session(1), noAbort)).toBe(true);
    expect(await store.isHeld(session(2), noAbort)).toBe(false);
    expect(ask(sessionsDir)).toBe('held');
    await lease[Symbol.asyncDispose]();
    await lease[Symbol.asyncDispose]();
    expect(await store.isHeld(session(1), noAbort)).toBe(false);
    expect(ask(sessionsDir)).toBe('free');
    expect(readdirSync(sessionsDir)).toEqual([]);
  });

  test('is not disturbed by tests, in this process or others', async () => {
    using dir = scratchDir();
    const store = openLeaseStore({ sessionsDir: dir.path });
    const other = openLeaseStore({ sessionsDir: dir.path });
    await using _ = await store.acquire(session(1), noAbort);
    for (let round = 0; round < 5; round++) {
      expect(await other.isHeld(session(1), noAbort)).toBe(true);
      expect(await store.isHeld(session(1), noAbort)).toBe(true);
      expect(ask(dir.path)).toBe('held');
    }
  });

  test('cannot be acquired twice', async () => {
    using dir = scratchDir();
    const store = openLeaseStore({ sessionsDir: dir.path });
    await using _ = await store.acquire(session(1), noAbort);
    await expect(store.acquire(session(1), noAbort)).rejects.toMatchObject({ code: 'E_INTERNAL' });
    expect(ask(dir.path)).toBe('held');
    expect(readdirSync(dir.path)).toHaveLength(1);
  });

  test('ends with its process, even if that is killed', async () => {
    using dir = scratchDir();
    const store = openLeaseStore({ sessionsDir: dir.path });
    const child = await holder(dir.path);
    expect(await store.isHeld(session(1), noAbort)).toBe(true);
    await kill(child);
    expect(await store.isHeld(session(1), noAbort)).toBe(false);
    expect(readdirSync(dir.path)).toEqual([]);
  });

  test('of a session that exists only in the metadata is not held', async () => {
    using dir = scratchDir();
    const store = openLeaseStore({ sessionsDir: join(dir.path, 'never', 'made') });
    expect(await store.isHeld(session(1), noAbort)).toBe(false);
    expect(await store.sweep(Date.now(), noAbort)).toEqual([]);
  });

  test('needs a directory that can be created', async () => {
    using dir = scratchDir();
    writeFileSync(join(dir.path, 'file'), '');
    const store = openLeaseStore({ sessionsDir: join(dir.path, 'file', 'sessions') });
    await expect(store.acquire(session(1), noAbort)).rejects.toMatchObject({ code: 'E_HOME_UNUSABLE' });
    await expect(store.acquire(session(1), AbortSignal.abort())).rejects.toMatchObject({ code: 'E_ABORTED' });
  });

  test('never seems held again after it was seen free', async () => {
    using dir = scratchDir();
    const watchers = [1, 2].map(() => start(['watch', dir.path, '300']));
    const cycler = start(['cycle', dir.path, '300']);
    expect(await once(cycler.child, 'exit')).toEqual([0, null]);
    await Promise.all(watchers.map(end));
    expect(await Promise.all(watchers.map(({ printed }) => printed))).toEqual([[], []]);
    expect(readdirSync(dir.path)).toEqual([]);
  });
});

requireCommands('flock')('the lease of a command', () => {
  test('outlives a killed client, and ends with the last process that inherited it', async () => {
    using dir = scratchDir();
    const store = openLeaseStore({ sessionsDir: dir.path });
    // The shell ends. Its background process stays.
    const child = await holder(dir.path, ['{ echo held; exec cat <&3; } &']);
    await kill(child);
    expect(await store.isHeld(session(1), noAbort)).toBe(true);
    expect(ask(dir.path)).toBe('held');
    await end(child);
    expect(await store.isHeld(session(1), noAbort)).toBe(false);
    expect(readdirSync(dir.path)).toEqual([]);
  });

  test('is free for all processes that test it at the same time', async () => {
    using dir = scratchDir();
    const child = await holder(dir.path, [command]);
    await kill(child);
    await end(child);
    const numbers = Array.from({ length: 20 }, () => '1');
    const askers = [1, 2, 3, 4].map(() => start(['ask', dir.path, ...numbers]));
    const answers = await Promise.all(askers.map(({ printed }) => printed));
    expect(answers).toEqual(askers.map(() => numbers.map(() => 'free')));
  });

  test('counts as held if flock is missing, because the command may live', async () => {
    using dir = scratchDir();
    const blind = openLeaseStore({ sessionsDir: dir.path, flock: '/nonexistent/flock' });
    expect(await blind.isHeld(session(1), noAbort)).toBe(false);
    const child = await holder(dir.path, [command]);
    await kill(child);
    await end(child);
    expect(await blind.isHeld(session(1), noAbort)).toBe(true);
    expect(await openLeaseStore({ sessionsDir: dir.path }).isHeld(session(1), noAbort)).toBe(false);
  });
});

requireCommands('bwrap', 'flock')('across PID namespaces', () => {
  test('a client inside a namespace, and its death, are visible outside', async () => {
    using dir = scratchDir();
    const child = await holder(dir.path, [], inPidNamespace);
    expect(ask(dir.path)).toBe('held');
    expect(ask(dir.path, inPidNamespace)).toBe('held');
    await kill(child);
    expect(ask(dir.path)).toBe('free');
  });

  test('a client outside a namespace is visible inside', async () => {
    using dir = scratchDir();
    const child = await holder(dir.path);
    expect(ask(dir.path, inPidNamespace)).toBe('held');
    await kill(child);
    expect(ask(dir.path, inPidNamespace)).toBe('free');
  });

  test('a command without its client is visible in another namespace', async () => {
    using dir = scratchDir();
    const child = await holder(dir.path, [command]);
    await kill(child);
    expect(ask(dir.path, inPidNamespace)).toBe('held');
    await end(child);
    expect(ask(dir.path, inPidNamespace)).toBe('free');
  });
});

function leaveFile(dir: string, name: string, atMs: number): void {
  closeSync(openSync(join(dir, name), 'w'));
  utimesSync(join(dir, name), atMs / 1000, atMs / 1000);
}

describe('sweeping', () => {
  const nowMs = 1_767_225_600_000;

  test('deletes only old files of dead clients', async () => {
    using dir = scratchDir();
    const store = openLeaseStore({ sessionsDir: dir.path });
    const oldMs = nowMs - limits.sweepGraceMs - 1000;
    leaveFile(dir.path, `${session(2)}.client`, oldMs);
    leaveFile(dir.path, `${session(3)}.client-new`, oldMs);
    leaveFile(dir.path, `${session(4)}.client`, nowMs);
    leaveFile(dir.path, `${session(5)}.command`, oldMs);
    leaveFile(dir.path, 'something-else', oldMs);
    await using _ = await store.acquire(session(1), noAbort);
    utimesSync(join(dir.path, `${session(1)}.client`), oldMs / 1000, oldMs / 1000);
    const swept = await store.sweep(nowMs, noAbort);
    expect(swept.toSorted()).toEqual([session(2), session(3), session(5)].toSorted());
    expect(readdirSync(dir.path).toSorted()).toEqual(
      [`${session(1)}.client`, `${session(4)}.client`, 'something-else'].toSorted(),
    );
    expect(await store.isHeld(session(1), noAbort)).toBe(true);
  });
});
