import { expect, test } from 'vitest';
import { placeOf } from './session-place.ts';

test('too large an environment is refused before it is sent; single long values are left out', () => {
  const value = 'x'.repeat(8000);
  const of = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, value]));
  expect(placeOf({ environment: { ...of(30), LONG: value.repeat(2) } }).environment).toHaveLength(30);
  expect(() => placeOf({ environment: of(40) })).toThrow(
    expect.objectContaining({ code: 'E_LIMIT', hint: expect.stringContaining('connect({ environment })') }),
  );
});
