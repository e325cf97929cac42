import { expect, test } from 'vitest';
import { parseEngineAddress } from './engine-address.ts';
import { engineSocketPath } from './engine-socket.ts';

test.each([
  ['unix:/run/user/1000/cachelane/e.sock', { kind: 'socket', path: '/run/user/1000/cachelane/e.sock' }],
  ['http://127.0.0.1:4711', { kind: 'port', host: '127.0.0.1', port: 4711 }],
  ['http://localhost:4711/', { kind: 'port', host: 'localhost', port: 4711 }],
  ['http://[::1]:4711', { kind: 'port', host: '::1', port: 4711 }],
  ['127.0.0.1:0', { kind: 'port', host: '127.0.0.1', port: 0 }],
])('%s is an address', (text, address) => {
  expect(parseEngineAddress(text)).toEqual(address);
});

test.each([
  '',
  'unix:',
  'unix:relative',
  'unix:/a\0b',
  'http://127.0.0.1',
  'http://127.0.0.1:65536',
  'http://127.0.0.1:4711/query',
  'http://user@127.0.0.1:4711',
  'http://127.0.0.1.example.com:4711',
  'http://192.0.2.1:4711',
  'https://127.0.0.1:4711',
])('%j is refused: a token is sent to this machine only', (text) => {
  expect(parseEngineAddress(text)).toBeUndefined();
});

test('the socket of a home is in it, or in a directory with a short path', () => {
  const places = { homeDir: '/home/u/.cache/cachelane', runtimeDir: '/run/user/7', tmpDir: '/tmp', uid: 7 };
  expect(engineSocketPath(places)).toBe('/home/u/.cache/cachelane/engine/engine.sock');
  const long = { ...places, homeDir: `/home/${'ü'.repeat(45)}` };
  const [own, other] = [engineSocketPath(long), engineSocketPath({ ...long, homeDir: `${long.homeDir}x` })];
  expect(own).toMatch(/^\/run\/user\/7\/cachelane\/[0-9a-f]{16}\.sock$/);
  expect(other).not.toBe(own);
  expect(engineSocketPath({ ...long, runtimeDir: null })).toMatch(/^\/tmp\/cachelane-7\/[0-9a-f]{16}\.sock$/);
});
