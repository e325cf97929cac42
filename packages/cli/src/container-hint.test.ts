import { expect, test } from 'vitest';
import { containerHint } from './container-hint.ts';

const volumes = [
  { name: 'npm', path: '/h/ann/.npm' },
  { name: 'data', path: '/project/cache' },
];

const hint = (...argv: string[]): string | null => containerHint(argv, volumes, '/h/ann');

test.each([
  [['docker', 'run', '-v', '/h/ann/.npm:/r/.npm', 'node'], 'docker', 'npm'],
  [['/usr/bin/podman', 'run', '--volume=/project/cache:/c', 'x'], 'podman', 'data'],
  [['docker', 'run', '--mount', 'type=bind,source=/h/ann/.npm,target=/c', 'x'], 'docker', 'npm'],
  [['sh', '-c', 'make && docker run --rm -v ~/.npm:/r/.npm node npm ci'], 'docker', 'npm'],
  [['sh', '-c', 'docker run -v "$HOME/.npm:/a" -v ${HOME}/x:/b -v /project/cache/sub:/c x'], 'docker', 'npm, data'],
])('%j: the container sees the host', (argv, starter, names) => {
  expect(hint(...argv)).toBe(`${starter} shows a container the host's own directory and not the volume (${names})`);
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
