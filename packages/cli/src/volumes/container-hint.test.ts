import { expect, test } from 'vitest';
import { containerHint } from './container-hint.ts';

const volumes = [
  { name: 'npm', path: '/h/ann/.npm', variable: 'NPM_CONFIG_CACHE' },
  { name: 'data', path: '/project/cache', variable: null },
];

const hint = (...argv: string[]) => containerHint(argv, volumes, '/h/ann');

test.each([
  [['docker', 'run', '-v', '/h/ann/.npm:/r/.npm', 'node'], 'docker', 'npm'],
  [['/usr/bin/podman', 'run', '--volume=/project/cache:/c', 'x'], 'podman', 'data'],
  [['docker', 'run', '--mount', 'type=bind,source=/h/ann/.npm,target=/c', 'x'], 'docker', 'npm'],
  [['sh', '-c', 'make && docker run --rm -v ~/.npm:/r/.npm node npm ci'], 'docker', 'npm'],
  [['sh', '-c', 'docker run -v "$HOME/.npm:/a" -v ${HOME}/x:/b -v /project/cache/sub:/c x'], 'docker', 'npm, data'],
])('%j: the container sees the host', (argv, starter, names) => {
  expect(hint(...argv)?.message).toBe(
    `${starter} mounts the host's own directory into containers and not the volume (${names})`,
  );
});

test.each([
  [['docker', 'run', 'node', 'npm', 'ci']],
  [['docker', 'run', '-v', '/h/ann/.npm-other:/x', 'x']],
  [['docker', 'run', '-v', '/other/h/ann/.npm:/x', 'x']],
  [['npm', 'ci', '-v', '/h/ann/.npm:/x']],
  [['docker', 'build', '.']],
])('%j: nothing to say', (argv) => {
  expect(hint(...argv)).toBeNull();
});

test('the hint proposes to mount the directory of the tool’s setting, or to run inside the container', () => {
  const inside = /^run cachelane inside the container, with CACHELANE_HOME in/;
  expect(hint('docker', 'run', '-v', '/project/cache:/c', 'x')?.hint).toMatch(inside);
  const [first, second, ...more] = hint('docker', 'run', '-v', '/h/ann/.npm:/c', 'x')?.hint.split('; or ') ?? [];
  expect(first).toBe(
    `for npm, run with --mounter clone and mount the directory of $NPM_CONFIG_CACHE into the container: sh -c '… -v "$NPM_CONFIG_CACHE:/PATH" …'`,
  );
  expect(second).toMatch(inside);
  expect(more).toEqual([]);
});
