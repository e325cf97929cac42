import { isCachelaneError } from '@cachelane/core';
import { expect, test } from 'vitest';
import { parseVolumeArgument } from './volume-argument.ts';

test.each([
  ['npm', null, 'npm', null],
  ['npm:/var/cache', null, 'npm', '/var/cache'],
  ['data:rel/dir', null, 'data', 'rel/dir'],
  ['data:.', null, 'data', '.'],
  ['data:~/x', null, 'data', '~/x'],
  ['data:/a:b:c', null, 'data', '/a:b:c'],
  ['github.com/acme/web:npm', 'github.com/acme/web', 'npm', null],
  ['github.com/acme/web:data:/path', 'github.com/acme/web', 'data', '/path'],
  ['github.com/acme/web:data:rel/a:b', 'github.com/acme/web', 'data', 'rel/a:b'],
  ['local/web-0123456789abcdef:npm', 'local/web-0123456789abcdef', 'npm', null],
])('%s', (text, namespace, name, path) => {
  expect(parseVolumeArgument(text)).toEqual({ namespace, name, path });
});

test.each(['npm@3', 'npm@t1:ref:main', 'github.com/acme/web:npm@3'])('%s is refused as a state', (text) => {
  expect(() => parseVolumeArgument(text)).toThrow('which only cachelane diff accepts');
});

test.each([
  ['', 'E_VOLUME'],
  [':/path', 'E_VOLUME'],
  ['npm:', 'E_USAGE'],
  ['a b:/path', 'E_VOLUME'],
  ['/path', 'E_USAGE'],
  ['./cache:x', 'E_USAGE'],
  ['github.com/acme/web', 'E_USAGE'],
  ['github.com/acme/web:', 'E_VOLUME'],
  ['github.com/acme/web:npm:', 'E_USAGE'],
  ['github.com/Acme/web:npm', 'E_NAMESPACE'],
])('%j is refused with %s', (text, code) => {
  let thrown: unknown;
  try {
    parseVolumeArgument(text);
  } catch (error) {
    thrown = error;
  }
  expect(isCachelaneError(thrown) && thrown.code).toBe(code);
});
