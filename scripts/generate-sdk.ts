import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { generateSdk } from './sdk/generate.ts';

// Makes what the SDK knows of the schema. A test compares, so whoever changes the schema or the operations runs this.

const root = join(import.meta.dirname, '..');
const sdk = join(root, 'packages/sdk');
const operations = readFileSync(join(sdk, 'operations.graphql'), 'utf8');
for (const [name, text] of generateSdk({ schemaText, operations, errorCodes })) {
  writeFileSync(join(sdk, 'src/generated', name), text);
}
