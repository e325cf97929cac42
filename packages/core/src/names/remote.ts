import { joinSegments, type Namespace } from './namespace.ts';
import { remoteSegments } from './remote-segments.ts';

/**
 * Returns the namespace of a git remote: `git@github.com:Acme/Web.git` and `https://github.com/acme/web` are both
 * `github.com/acme/web`. Works for every non-empty text, without users, passwords and tokens. Resolve relative paths
 * against the repository first, or two repositories may share a name. Throws E_NAMESPACE for empty text only.
 */
export function namespaceFromRemote(url: string): Namespace {
  return joinSegments(url === '' ? [] : remoteSegments(url));
}
