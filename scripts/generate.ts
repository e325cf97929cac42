import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiReference } from './api-reference.ts';

// What is made from other files and kept beside them, so that it can be read without being made. A test compares each.

writeFileSync(join(import.meta.dirname, '../docs/API.md'), apiReference());
