import { createHmac, hash } from 'node:crypto';

export interface S3User {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignedRequest {
  readonly endpoint: string;
  readonly user: S3User;
  readonly method: string;
  /** `/bucket`, without characters that URLs escape. */
  readonly path: string;
  /** `policy`: a query of one word. */
  readonly query?: string;
  readonly body?: string;
}

/** Sends a signed request to an S3 server, to make a bucket or set its policy. Throws unless it succeeds. */
export async function signedRequest(request: SignedRequest): Promise<string> {
  const { endpoint, user, method, path, query = '', body = '' } = request;
  const { host } = new URL(endpoint);
  const time = new Date(Date.now()).toISOString().replace(/[-:]|\.\d*/g, '');
  const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const bodyHash = hash('sha256', body, 'hex');
  const signed = 'host;x-amz-content-sha256;x-amz-date';
  const headers = `host:${host}\nx-amz-content-sha256:${bodyHash}\nx-amz-date:${time}\n`;
  const canonical = [method, path, query === '' ? '' : `${query}=`, headers, signed, bodyHash].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash('sha256', canonical, 'hex')].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((above, part) => mac(above, part), `AWS4${user.secretAccessKey}`);
  const signature = mac(key, toSign).toString('hex');
  const answer = await fetch(`${endpoint}${path}${query === '' ? '' : `?${query}`}`, {
    method,
    headers: {
      'x-amz-date': time,
      'x-amz-content-sha256': bodyHash,
      authorization: `AWS4-HMAC-SHA256 Credential=${user.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
    ...(body === '' ? {} : { body }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text;
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
