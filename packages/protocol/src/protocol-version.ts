import { hash } from 'node:crypto';
import { schemaText } from './schema.ts';

/** Increases when older clients might fail: a removed field, a new required argument. Additions keep it. */
export const protocolVersion = 1;

/** Returns the SHA-256 of the schema in hex. A test pins it as a reminder to consider the version. */
export function schemaHash(): string {
  return hash('sha256', schemaText, 'hex');
}
