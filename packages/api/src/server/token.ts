import { hash, timingSafeEqual } from 'node:crypto';

/** Tells whether an `Authorization` header has the token: as a bearer's, or as the user of basic auth, whatever the password. Takes as long for any wrong one. */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const wanted = hash('sha256', token, 'buffer');
  return (authorization) => timingSafeEqual(hash('sha256', tokenIn(authorization ?? ''), 'buffer'), wanted);
}

function tokenIn(authorization: string): string {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic':
      return Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? '';
    default:
      return '';
  }
}
