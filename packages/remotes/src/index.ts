export { checkRemote } from './check-remote.ts';
export { bytesSource, fileSource } from './content/object-sources.ts';
export { openRemote, type OpenRemoteOptions } from './open-remote.ts';
export { parseRemoteAddress, type DirAddress, type RemoteAddress, type S3Address } from './remote-address.ts';
export { type S3Credentials } from './s3/s3-client.ts';
