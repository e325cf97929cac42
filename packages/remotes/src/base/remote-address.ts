import { CachelaneError, printable, redactUrl } from '@cachelane/core';

export interface DirAddress {
  readonly kind: 'dir';
  /** Absolute. */
  readonly path: string;
}

export interface S3Address {
  readonly kind: 's3';
  readonly bucket: string;
  /** '' or `a/b`. */
  readonly prefix: string;
  /** `http(s)://host[:port]`; null: AWS, or the endpoint of the environment. */
  readonly endpoint: string | null;
  readonly region: string | null;
}

export type RemoteAddress = DirAddress | S3Address;

/** Returns the canonical address, which `parseRemoteAddress` accepts. It contains no secrets. */
export function formatRemoteAddress(address: RemoteAddress): string {
  if (address.kind === 'dir') return `dir:${address.path}`;
  const { endpoint, region } = address;
  const settings = [
    ...(endpoint === null ? [] : [`endpoint=${endpoint.replace(/[%&+]/g, encodeURIComponent)}`]),
    ...(region === null ? [] : [`region=${region}`]),
  ];
  return settings.length === 0 ? bucketName(address) : `${bucketName(address)}?${settings.join('&')}`;
}

/** Returns the bucket without server and region, for messages. */
export function bucketName({ bucket, prefix }: S3Address): string {
  return prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
}

const forms = 'write dir:/path, or s3://bucket/prefix (outside AWS, with ?endpoint=…&region=…)';

/** Parses an address from a flag, the environment or the user's configuration; never from a repository's file. */
export function parseRemoteAddress(text: string): RemoteAddress {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'dir':
      return dirAddress(text.slice('dir:'.length));
    case 's3':
      return s3Address(text);
    default:
      throw wrong(`${printable(redactUrl(text)).slice(0, 200)} is not a remote`);
  }
}

function wrong(message: string, hint: string = forms): CachelaneError {
  return new CachelaneError('E_CONFIG', message, { hint });
}

function dirAddress(path: string): DirAddress {
  if (!path.startsWith('/') || path.startsWith('//')) {
    throw wrong(`the path in dir:${printable(path).slice(0, 200)} is not absolute`, 'write dir:/path');
  }
  if (path.includes('\0')) throw wrong('the path contains a NUL byte');
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw wrong(`dir:${printable(path).slice(0, 200)}: write the path without ..`);
  return { kind: 'dir', path: `/${segments.join('/')}` };
}

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const settings = new Set(['endpoint', 'region']);

function s3Address(text: string): S3Address {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('the text is not a valid s3:// address');
  }
  // Do not repeat the text: a secret may be in place of the bucket.
  if (url.username !== '' || url.password !== '') {
    throw wrong(
      'an s3:// address must not contain credentials',
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
    );
  }
  const [, path = ''] = /^s3:\/\/[^/?#]*([^?#]*)/i.exec(text) ?? [];
  if (path.includes('//') || path.split('/').some((part) => part === '.' || part === '..')) {
    throw wrong('write the prefix of an s3:// address without .. and empty parts');
  }
  if (url.port !== '') throw wrong('s3://bucket does not contain the server', 'write ?endpoint=http://host:port');
  if (url.hash !== '') throw wrong('an s3:// address has no #');
  if (url.hostname === '') throw wrong('the s3:// address names no bucket');
  if (!bucketPattern.test(url.hostname))
    throw wrong(
      `${printable(url.hostname).slice(0, 80)} is not a bucket name`,
      'a bucket has 3 to 63 of a-z, 0-9, . and -',
    );
  for (const [name] of url.searchParams) {
    // Text that is not a word may be a secret.
    const shown = /^[A-Za-z_-]{1,20}$/.test(name) ? `setting ${name}` : 'such setting';
    if (!settings.has(name)) throw wrong(`an s3:// address has no ${shown}`);
    if (url.searchParams.getAll(name).length > 1) throw wrong(`${name} appears twice`);
  }
  const region = url.searchParams.get('region');
  if (region !== null && !/^[A-Za-z0-9-]{1,40}$/.test(region))
    throw wrong('the region of the s3:// address is not valid');
  const endpoint = url.searchParams.get('endpoint');
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: prefixOf(url.pathname),
    endpoint: endpoint === null ? null : endpointOf(endpoint),
    region,
  };
}

function prefixOf(pathname: string): string {
  const prefix = pathname.replace(/^\/+|\/+$/g, '');
  if (!/^[A-Za-z0-9._/-]*$/.test(prefix) || prefix.includes('//') || prefix.length > 400) {
    throw wrong('a prefix has letters, digits and ._- between single slashes, at most 400 of them');
  }
  return prefix;
}

function endpointOf(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('the endpoint is not a URL', 'write ?endpoint=https://host or http://host:port');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('an endpoint begins with http:// or https://');
  if (url.username !== '' || url.password !== '') throw wrong('an endpoint must not contain credentials');
  if (url.search !== '' || url.hash !== '') throw wrong('an endpoint must not contain ? or #');
  return url.href.replace(/\/$/, '');
}
