import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { tools } from '@cachelane/tools';
import { apiReference } from './api-reference.ts';
import { generateSdk } from './sdk/generate.ts';

// What is made from the schema and kept beside it, so that it can be read without being made. Tests compare: whoever changes the schema, or the SDK's operations, runs this.

const root = join(import.meta.dirname, '..');
const sdk = join(root, 'packages/sdk');
const operations = readFileSync(join(sdk, 'operations.graphql'), 'utf8');

writeFileSync(join(root, 'docs/API.md'), apiReference());
const toolNames = tools.map(({ name }) => name);
for (const [name, text] of generateSdk({ schemaText, operations, errorCodes, toolNames })) {
  writeFileSync(join(sdk, 'src/generated', name), text);
}
