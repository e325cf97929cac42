import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCachelaneError } from '@cachelane/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locateHome, openHome, readBootId, requireNothingElse, userHome, type HomeRequest } from './home.ts';
import { stage } from '../fixtures/staged-host.fixture.ts';

const uid = process.geteuid?.() ?? 0;
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-home-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const asked = (env: HomeRequest['env'], more: Partial<HomeRequest> = {}): HomeRequest => ({
  env,
  effectiveUid: uid,
  accountHome: () => undefined,
  ...more,
});

function failure(work: () => unknown): {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
} {
  try {
    work();
  } catch (error) {
    if (isCachelaneError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const open = (env: HomeRequest['env'], more: Partial<HomeRequest> = {}): string => {
  const request = asked(env, more);
  return openHome(locateHome(request), request);
};

describe('where the home is', () => {
  test.each([
    [{ CACHELANE_HOME: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/c'],
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/cachelane'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/h' }, '/h/.cache/cachelane'],
    [{ CACHELANE_HOME: '', XDG_CACHE_HOME: '', HOME: '/h' }, '/h/.cache/cachelane'],
  ])('%j', (env, path) => {
    expect(locateHome(asked(env)).path).toBe(path);
  });

  test('without HOME the system knows', () => {
    expect(locateHome(asked({}, { accountHome: () => '/a' })).path).toBe('/a/.cache/cachelane');
    expect(userHome(asked({ HOME: '' }, { accountHome: () => '/a' }))).toBe('/a');
  });

  test('unknown user', () => {
    expect(failure(() => locateHome(asked({})))).toMatchObject({
      code: 'E_HOME_UNUSABLE',
      hint: 'set CACHELANE_HOME, or HOME',
    });
    expect(failure(() => locateHome(asked({ HOME: 'relative' })))).toMatchObject({ code: 'E_HOME_UNUSABLE' });
  });

  test('a relative home is refused', () => {
    expect(failure(() => locateHome(asked({ CACHELANE_HOME: 'cache' }))).code).toBe('E_HOME_UNUSABLE');
  });
});

describe('opening it', () => {
  test('it is created for its owner only', () => {
    const path = join(dir, 'a/b/home');
    expect(open({ CACHELANE_HOME: path })).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(open({ CACHELANE_HOME: path })).toBe(path);
  });

  test('an existing empty directory or store is closed to others; other directories are left alone', () => {
    const path = join(dir, 'made');
    const modeAfter = (): number => {
      open({ CACHELANE_HOME: path });
      return statSync(path).mode & 0o777;
    };
    mkdirSync(path);
    chmodSync(path, 0o755);
    expect(modeAfter()).toBe(0o700);
    writeFileSync(join(path, 'state.db'), '');
    chmodSync(path, 0o775);
    expect(modeAfter()).toBe(0o700);
    rmSync(join(path, 'state.db'));
    for (const name of ['notes.txt', 'state.db']) {
      writeFileSync(join(path, name), '');
      chmodSync(path, 0o755);
      expect(modeAfter()).toBe(0o755);
    }
  });

  test('reading creates no store in a directory with other files', () => {
    const path = join(dir, 'other');
    mkdirSync(path);
    const look = (): void => {
      requireNothingElse(path);
    };
    expect(look).not.toThrow();
    mkdirSync(join(path, 'lost+found'));
    expect(look).not.toThrow();
    writeFileSync(join(path, 'notes.txt'), '');
    expect(look).toThrow(
      expect.objectContaining({
        code: 'E_HOME_UNUSABLE',
        message: `${path} is no store: it contains other files`,
      }),
    );
    // Of a first run that was killed, and one that is there.
    mkdirSync(join(path, 'layers'));
    expect(look).not.toThrow();
  });

  test('symlinks are resolved', () => {
    mkdirSync(join(dir, 'real'));
    symlinkSync('real', join(dir, 'link'));
    expect(open({ CACHELANE_HOME: join(dir, 'link') })).toBe(join(dir, 'real'));
  });

  test('an unusable home gives the reason', () => {
    writeFileSync(join(dir, 'file'), '');
    symlinkSync('nowhere/at/all', join(dir, 'dangling'));
    expect(failure(() => open({ CACHELANE_HOME: join(dir, 'file') })).message).toMatch(/is not a directory$/);
    expect(failure(() => open({ CACHELANE_HOME: join(dir, 'file/below') })).message).toMatch(/is below a file/);
    expect(failure(() => open({ CACHELANE_HOME: join(dir, 'dangling') })).code).toBe('E_HOME_UNUSABLE');
  });

  test('a file system without directories is refused without endless retries', () => {
    const { code } = failure(() => open({ CACHELANE_HOME: '/proc/cachelane/home' }));
    expect(code).toBe('E_HOME_UNUSABLE');
  });

  test("another user's home is refused with a hint", () => {
    const other = uid === 0 ? 12_345 : uid + 1;
    mkdirSync(join(dir, 'home'));
    const refused = failure(() => open({ CACHELANE_HOME: join(dir, 'home') }, { effectiveUid: other }));
    expect(refused).toMatchObject({ code: 'E_HOME_OWNER', hint: 'set CACHELANE_HOME to a directory of your own' });
    expect(refused.message).toContain(`belongs to user ${uid}, and this command runs as user ${other}`);
  });
});

describe.runIf(uid === 0)('as root', () => {
  const user = 12_345;
  beforeEach(() => {
    mkdirSync(join(dir, 'user'));
    chownSync(join(dir, 'user'), user, user);
    chmodSync(join(dir, 'user'), 0o700);
  });

  test('nothing is created in a user’s home', () => {
    const refused = failure(() => open({ HOME: join(dir, 'user') }));
    expect(refused.code).toBe('E_HOME_OWNER');
    expect(refused.hint).toContain('without sudo');
    expect(existsSync(join(dir, 'user/.cache'))).toBe(false);
  });

  test('a named directory is accepted unless sudo passed it on', () => {
    const named = join(dir, 'user/cache');
    expect(failure(() => open({ CACHELANE_HOME: named, SUDO_UID: String(user) })).code).toBe('E_HOME_OWNER');
    expect(open({ CACHELANE_HOME: named })).toBe(named);
  });
});

test('the boot id and its substitute', () => {
  expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/);
  writeFileSync(join(dir, 'stat'), 'cpu 1 2\nbtime 1795531145\n');
  expect(readBootId(dir)).toBe('btime-1795531145');
  expect(readBootId(join(dir, 'none'))).toBe('unknown');
});

test.each([['ls'], ['ns', 'ls'], ['rm', 'npm'], ['grant', 'npm', '--to', 'teams/x'], ['add', 'github.com/acme']])(
  '%s creates nothing in a directory with other files',
  async (...argv) => {
    using on = stage({ pieces: { openMetadata: () => Promise.reject(new Error('a store is made')) } });
    mkdirSync(on.home);
    writeFileSync(join(on.home, 'notes.txt'), '');
    expect(await on.cachelane(...argv)).toBe(1);
    expect(on.err()).toContain(`${on.home} is no store: it contains other files\n  set CACHELANE_HOME to `);
    expect(readdirSync(on.home)).toEqual(['notes.txt']);
  },
);

test('doctor warns about a directory with other files and creates nothing', async () => {
  using on = stage();
  mkdirSync(on.home);
  writeFileSync(join(on.home, 'notes.txt'), '');
  await on.cachelane('doctor');
  expect(on.out()).toContain(`warn  state.db: ${on.home} is no store: it contains other files; `);
  expect(readdirSync(on.home)).toEqual(['notes.txt']);
});
