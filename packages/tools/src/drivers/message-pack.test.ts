import { expect, test } from 'vitest';
import { readMessagePack } from './message-pack.ts';

function text(value: string): readonly number[] {
  return [0xa0 + value.length, ...Buffer.from(value)];
}

test('a record of msgpackr is read as a map', () => {
  const record = [0xd4, 0x72, 0x40, 0x92, ...text('a'), ...text('b'), 1, 0x40, 2, 3];
  expect(readMessagePack(Uint8Array.from([0x82, ...text('a'), 1, ...text('b'), 2]))).toEqual({ a: 1, b: 2 });
  expect(readMessagePack(Uint8Array.from(record))).toEqual({ a: 1, b: { a: 2, b: 3 } });
});

test('a large integer is a number', () => {
  expect(readMessagePack(Uint8Array.of(0xcf, 0, 0, 1, 0, 0, 0, 0, 0))).toBe(2 ** 40);
});

test.each([
  ['bytes after the value', [0xc0, 0xc0]],
  ['nothing', []],
  ['a text that is cut short', [0xa5, 0x61]],
  ['an array longer than its bytes', [0xdd, 1, 0xff, 0xff, 0xff]],
  ['a map longer than its bytes', [0xdf, 0xff, 0xff, 0xff, 0xff]],
  ['100000 nested arrays', [...Buffer.alloc(100_000, 0x91), 0xc0]],
  ['a value that contains itself', [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]],
])('%s is refused', (_, bytes) => {
  expect(() => readMessagePack(Uint8Array.from(bytes))).toThrow();
});

test('a key cannot change the prototype of the result', () => {
  const read = readMessagePack(Uint8Array.from([0x81, ...text('__proto__'), 0x81, ...text('files'), 1]));
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(read).not.toHaveProperty('files');
});
