import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { tools } from '@cachelane/tools';
import { apiReference, schemaFile } from './api-reference.ts';
import { generateSdk } from './sdk/generate.ts';

// Generates files from the schema and the SDK's operations. Tests fail if they are out of date.

const root = join(import.meta.dirname, '..');
const sdk = join(root, 'packages/sdk');
const operations = readFileSync(join(sdk, 'operations.graphql'), 'utf8');

writeFileSync(join(root, 'docs/reference/api.md'), apiReference());
writeFileSync(join(root, 'packages/protocol/schema.graphql'), schemaFile());
const toolNames = tools.map(({ name }) => name);
for (const [name, text] of generateSdk({ schemaText, operations, errorCodes, toolNames })) {
  writeFileSync(join(sdk, 'src/generated', name), text);
}
