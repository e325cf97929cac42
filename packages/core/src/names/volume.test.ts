import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalCompat, compatKey, parseVolumeAddress, parseVolumeName, volumeNameFrom } from './volume.ts';

const refused = (code: string, hint?: string) =>
  expect.objectContaining(hint === undefined ? { code } : { code, hint: expect.stringContaining(hint) });

describe('names', () => {
  test.each(['npm', 'go-build', 'pip.v2', 'node_modules', 'a%20b', 'x'.repeat(128)])('%s', (text) => {
    expect(parseVolumeName(text)).toBe(text);
  });

  test.each([
    ['', 'npm'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['a/b', 'a%2Fb'],
    ['go build', 'go%20build'],
    [' npm ', 'npm'],
    ['a:b', 'a%3Ab'],
    ['%zz', '%25zz'],
    ['x'.repeat(129), `${'x'.repeat(95)}~`],
  ])('%j is refused, %s is offered', (text, offered) => {
    expect(() => parseVolumeName(text)).toThrow(refused('E_VOLUME', offered));
  });

  test.each(['npm@3', 'npm@t1:local', 'npm@ab12cd', 'github.com/acme/web:npm@12'])('%s is a state', (text) => {
    expect(() => parseVolumeAddress(text)).toThrow(refused('E_VOLUME', 'remove @'));
    expect(() => parseVolumeAddress(text)).toThrow('which only cachelane diff accepts');
  });

  test('an @ without a state gets a hint with the escape', () => {
    expect(() => parseVolumeName('npm@latest')).toThrow(refused('E_VOLUME', 'npm%40latest'));
  });

  test('any key of a pipeline has a name', () => {
    expect(volumeNameFrom('npm')).toBe('npm');
    expect(volumeNameFrom('node modules/v2')).toBe('node%20modules%2Fv2');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 400 }), (key) => {
        expect(parseVolumeName(volumeNameFrom(key))).toBe(volumeNameFrom(key));
      }),
    );
  });
});

describe('addresses', () => {
  test('a name alone, and a name in a namespace', () => {
    expect(parseVolumeAddress('npm')).toEqual({ namespace: null, name: 'npm' });
    expect(parseVolumeAddress('github.com/acme/web:npm')).toEqual({ namespace: 'github.com/acme/web', name: 'npm' });
    expect(parseVolumeAddress('teams:npm')).toEqual({ namespace: 'teams', name: 'npm' });
  });

  test('other text is refused', () => {
    expect(() => parseVolumeAddress('github.com/acme/npm')).toThrow(refused('E_VOLUME', 'github.com/acme:npm'));
    expect(() => parseVolumeAddress(':npm')).toThrow(refused('E_NAMESPACE'));
    expect(() => parseVolumeAddress('github.com/acme:')).toThrow(refused('E_VOLUME'));
    expect(() => parseVolumeAddress('')).toThrow(refused('E_VOLUME'));
  });
});

const fieldName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/);
const record = fc.dictionary(fieldName, fc.string({ unit: fc.constantFrom('a', ',', '=', '%', 'é', ' ', '2') }), {
  maxKeys: 5,
});

function fieldsOf(compat: Readonly<Record<string, string>>): string {
  return JSON.stringify(
    Object.entries(compat)
      .map((field) => JSON.stringify(field))
      .toSorted(),
  );
}

describe('compat', () => {
  test('fields are sorted by their bytes, numbers too', () => {
    expect(compatKey({ os: 'linux', arch: 'x64' })).toBe('arch=x64,os=linux');
    expect(compatKey({ a: '', '9': 'x', '10': 'y', B: 'z' })).toBe('10=y,9=x,B=z,a=');
    expect(compatKey({})).toBe('');
    expect(Object.keys(canonicalCompat({ os: 'linux', arch: 'x64' }))).toEqual(['arch', 'os']);
  });

  test('the key does not depend on the order of the fields, and differs for other fields', () => {
    fc.assert(
      fc.property(record, record, (a, b) => {
        expect(compatKey(Object.fromEntries(Object.entries(a).toReversed()))).toBe(compatKey(a));
        expect(compatKey(a) === compatKey(b)).toBe(fieldsOf(a) === fieldsOf(b));
      }),
    );
  });

  test.each([
    [{ '': 'x' }, 'E_VOLUME'],
    [{ 'o s': 'x' }, 'E_VOLUME'],
    [{ ['o'.repeat(65)]: 'x' }, 'E_VOLUME'],
    [{ os: 'a\nb' }, 'E_VOLUME'],
    [{ os: '\ud800' }, 'E_VOLUME'],
    [{ os: 'é'.repeat(129) }, 'E_VOLUME'],
    [Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`f${index}`, 'x'])), 'E_LIMIT'],
  ])('%j is refused', (compat, code) => {
    expect(() => canonicalCompat(compat)).toThrow(refused(code));
  });
});
