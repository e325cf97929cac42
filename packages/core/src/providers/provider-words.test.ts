import { expect, test } from 'vitest';
import { providerWords } from './provider-words.ts';

test.each([
  ['https://ann:s3cret@vault/x is gone', 'https://vault/x is gone'],
  ['https://ann:s3/cret@vault/x is gone', 'https://vault/x is gone'],
  ['https://ann:s3@cret@vault/x is gone', 'https://vault/x is gone'],
  ['https://a/x;https://ann:s3cret@vault/x', 'https://vault/x'],
  ['no //ann:s3cret@vault', 'no //vault'],
  ['https://vault/x?token=s3cret says no', 'https://vault/x says no'],
  ['get "https://vault:8200/x#s3cret": EOF', 'get "https://vault:8200/x EOF'],
  ['https://a/?k=s3cret, then http://b/?k=s3cret', 'https://a/ then http://b/'],
  [
    "Cannot find module '/a/b.mjs' imported from file:///a/c.mjs",
    "Cannot find module '/a/b.mjs' imported from file:///a/c.mjs",
  ],
  ['no team/payments: 3 of 5', 'no team/payments: 3 of 5'],
])('%j is shown as %j', (said, told) => {
  expect(providerWords(new Error(said))).toBe(told);
  expect(providerWords(said)).toBe(told);
});

test('long text is cut after passwords are removed', () => {
  const told = providerWords(`https://ann:${'s3cret'.repeat(1000)}@vault/${'x'.repeat(1000)}`);
  expect(told).toHaveLength(500);
  expect(told).toMatch(/^https:\/\/vault\/x+$/);
});

test.each(['x', '/', '//', '@', 'x:', 'a://', 'a://b@'])('megabytes of %j end at once', (part) => {
  // A quadratic search would not end within the test.
  expect(providerWords(part.repeat(4_000_000 / part.length)).length).toBeLessThanOrEqual(500);
});
