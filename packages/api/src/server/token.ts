import { hash, timingSafeEqual } from 'node:crypto';

/** Tells whether it is the token; takes as long for any wrong one. */
export function tokenCheck(token: string): (given: string) => boolean {
  const wanted = hash('sha256', token, 'buffer');
  return (given) => timingSafeEqual(hash('sha256', given, 'buffer'), wanted);
}

/** The token in an `Authorization` header: a bearer's, or the user of basic auth, whatever the password; empty where there is none. */
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
