import { isCachelaneError } from '@cachelane/core';
import { expect, test } from 'vitest';
import { noFlags, parseProviderFlags, providerWishes } from './provider-wishes.ts';

/** What was written where people and logs read it, with a password in it by mistake. */
const texts = [
  'https://ann:s3cret@vault/x',
  '=https://ann:s3cret@vault/x',
  's3cret',
  'pip=https://ann:s3cret@vault/\u0001x',
  'pip=oci:ann:s3cret@ghcr.io/acme/pip',
  'pip=S3CRET:s3cret',
];

async function wordsOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isCachelaneError(error)) return `${error.code} ${error.message} ${error.hint}`;
    throw error;
  }
  return 'taken';
}

test.each(texts)('--provider %j is refused without its text', async (text) => {
  const said = await wordsOf(() => parseProviderFlags([text]));
  expect(said).toMatch(/^E_USAGE --provider/);
  expect(said).not.toContain('s3cret');
});

test.each(texts)('CACHELANE_PROVIDERS=%j is refused without its text', async (text) => {
  const env = { HOME: '/nowhere', CACHELANE_PROVIDERS: `npm=none:, ${text}` };
  const said = await wordsOf(async () => await providerWishes({ env, effectiveUid: 0 }, { flags: noFlags }));
  expect(said).toMatch(/^E_CONFIG CACHELANE_PROVIDERS/);
  expect(said).not.toContain('s3cret');
});
