export { fileSource } from './content/object-sources.ts';
export { retrying } from './decorators/retrying.ts';
export { openRemote, type OpenRemoteOptions } from './open/open-remote.ts';
export { ImageCache } from './oci/image-cache.ts';
export { ociProvider, type OciProviderOptions } from './oci/oci-provider.ts';
export {
  formatRemoteAddress,
  parseRemoteAddress,
  type DirAddress,
  type RemoteAddress,
  type S3Address,
} from './base/remote-address.ts';
export { type S3Credentials } from './s3/s3-client.ts';
