import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiReference, schemaFile } from './api-reference.ts';

const text = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

test('npm run generate ran after the last change of the schema', () => {
  expect(text('docs/reference/api.md')).toBe(apiReference());
  expect(text('packages/protocol/schema.graphql')).toBe(schemaFile());
});
