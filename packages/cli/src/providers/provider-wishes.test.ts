import { expect, test } from 'vitest';
import { parseProviderFlags } from './provider-wishes.ts';

test.each(['https://ann:s3cret@host/x', '=https://ann:s3cret@host/x'])(
  'what is no volume and its provider is not repeated: %s',
  (text) => {
    const said = (): unknown => parseProviderFlags([text]);
    expect(said).toThrow('--provider names no volume');
    expect(said).not.toThrow('s3cret');
  },
);
