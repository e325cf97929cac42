import { expect, test } from 'vitest';
import { chooseMountWay } from './mount-way.ts';

const actions = { CI: 'true', GITHUB_ACTIONS: 'true' };
const password = 'sudo needs a password here';

test.each([
  ['a person', {}, false, null, 'bubblewrap', /no CI system/],
  ['CI=true alone', { CI: 'true' }, false, null, 'bubblewrap', /no CI system/],
  ['hosted CI with sudo', actions, false, null, 'sudo', /GitHub Actions/],
  ['another CI system with sudo', { CIRCLECI: 'true' }, false, null, 'sudo', /CircleCI/],
  ['CI whose sudo needs a password', actions, false, password, 'bubblewrap', /GitHub Actions.*password/],
  ['CI as root', actions, true, null, 'bubblewrap', /needs no sudo/],
  ['a person who enables it', { CACHELANE_SUDO: '1' }, false, null, 'sudo', /CACHELANE_SUDO/],
  [
    'a person who enables it, without sudo',
    { CACHELANE_SUDO: '1' },
    false,
    password,
    'bubblewrap',
    /CACHELANE_SUDO.*password/,
  ],
  ['root that enables it', { CACHELANE_SUDO: 'true' }, true, null, 'sudo', /CACHELANE_SUDO/],
  ['CI that disables it', { ...actions, CACHELANE_SUDO: '0' }, false, null, 'bubblewrap', /CACHELANE_SUDO/],
  ['an invalid value', { ...actions, CACHELANE_SUDO: '' }, false, null, 'sudo', /GitHub Actions/],
] as const)('%s: %s', (_who, env, isRoot, problem, way, why) => {
  const chosen = chooseMountWay({ env, isRoot, sudoProblem: () => problem });
  expect(chosen).toEqual({ way, why: expect.stringMatching(why) });
});

const asked = (): never => expect.unreachable('sudo was asked');

test('sudo is called only if needed, since it writes a log', () => {
  expect(chooseMountWay({ env: {}, isRoot: false, sudoProblem: asked }).way).toBe('bubblewrap');
  expect(chooseMountWay({ env: actions, isRoot: true, sudoProblem: asked }).way).toBe('bubblewrap');
  expect(chooseMountWay({ env: { ...actions, CACHELANE_SUDO: '0' }, isRoot: false, sudoProblem: asked }).way).toBe(
    'bubblewrap',
  );
});
