import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiReference } from './api-reference.ts';

test('docs/API.md is what the schema comes to: npm run generate', () => {
  expect(readFileSync(join(import.meta.dirname, '../docs/API.md'), 'utf8')).toBe(apiReference());
});
