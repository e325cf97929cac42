export { schemaText } from './schema.ts';
export { protocolVersion, schemaHash } from './protocol-version.ts';
export { sessionHeader, variables } from './connection.ts';
export { parseEngineAddress, type EngineAddress } from './engine-address.ts';
export { engineSocketPath, socketPathBytes, type SocketPlaces } from './engine-socket.ts';
export { examples, type Example } from './examples.ts';
export { environmentVariables, whyTooLarge, type EnvironmentVariable } from './environment-variables.ts';
