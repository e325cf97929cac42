import { arbitraryVersionOf, mergeDriverConformance, versionOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pipResponseDriver } from './pip-response.ts';

function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(0xd9, value.length), Buffer.from(value)]);
}

/** `{response: {headers: {…}, body: b''}}`, as pip writes it with Python's msgpack. */
function response(headers: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Object.entries(headers).flatMap(([name, value]) => [text(name), text(value)]);
  const map = Buffer.concat([Buffer.of(0x80 + Object.keys(headers).length), ...pairs]);
  const body = [Buffer.of(0x82), text('headers'), map, text('body'), Buffer.of(0xc4, 0)];
  return Buffer.concat([Buffer.from('cc=4,'), Buffer.of(0x81), text('response'), ...body]);
}

const arbitraryResponse = fc
  .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('now', 'then'))
  .map(([etag, date]) => response({ etag, date }));

mergeDriverConformance('responses that pip keeps', pipResponseDriver, arbitraryVersionOf(arbitraryResponse));

test.each([
  ['the time of the answer', { etag: 'a', Date: 'later' }, true],
  ['the order of the headers', { Date: 'now', etag: 'a' }, true],
  ['the content of the page', { etag: 'b', Date: 'now' }, false],
  ['the lifetime', { etag: 'a', Date: 'now', 'cache-control': 'max-age=9' }, false],
])('where %s differs', (_, headers, same) => {
  expect(pipResponseDriver.same(versionOf(response({ etag: 'a', Date: 'now' })), versionOf(response(headers)))).toBe(
    same,
  );
});

test.each(['cc=4,', 'cc=4,\u0001x', 'cc=3,x', ''])('%j equals only itself', (odd) => {
  const version = versionOf(Buffer.from(odd));
  expect(pipResponseDriver.same(version, version)).toBe(true);
  expect(pipResponseDriver.same(version, versionOf(Buffer.from(`${odd}y`)))).toBe(false);
});
