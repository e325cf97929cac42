import { hash, timingSafeEqual } from 'node:crypto';

/** Returns a check for the token that takes constant time. */
export function tokenCheck(token: string): (given: string) => boolean {
  const wanted = hash('sha256', token, 'buffer');
  return (given) => timingSafeEqual(hash('sha256', given, 'buffer'), wanted);
}

/** Returns the token of an `Authorization` header: a bearer token, or the user of basic auth; empty if there is none. */
export function tokenIn(authorization: string | undefined): string {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic':
      return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? '';
    default:
      return '';
  }
}
