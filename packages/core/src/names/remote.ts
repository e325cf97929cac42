import { joinSegments, type Namespace } from './namespace.ts';
import { remoteSegments } from './remote-segments.ts';

/**
 * The namespace of a git remote: `git@github.com:Acme/Web.git` and `https://github.com/acme/web` are both
 * `github.com/acme/web`. Every non-empty text has one; users, passwords and tokens never enter it. A relative path is
 * taken as it is written: resolve it against the repository first, or two repositories share a name. Throws
 * E_NAMESPACE for the empty text only.
 */
export function namespaceFromRemote(url: string): Namespace {
  return joinSegments(url === '' ? [] : remoteSegments(url));
}
