export { schemaText } from './schema.ts';
export { protocolVersion, schemaHash } from './protocol-version.ts';
export { sessionHeader, variables } from './connection.ts';
export { examples, type Example } from './examples.ts';
