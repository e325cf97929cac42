import { CachelaneError } from '../base/errors.ts';

/** An image of an OCI registry. */
export interface ImageReference {
  /** `registry.example:5000`, as in an address. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | null;
  /** `sha256:` and 64 digits. */
  readonly digest: string | null;
}

const hostText =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const repositoryText = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagText = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestText = /^sha256:[0-9a-f]{64}$/;
const hint = 'write it like this: oci:registry.example/team/cache:tag, or with @sha256:DIGEST for a tag';

/**
 * Parses `HOST/REPOSITORY[:TAG][@DIGEST]`; without tag and digest, the tag is `latest`. There is no default host.
 * Throws E_CONFIG.
 */
export function parseImageReference(text: string): ImageReference {
  const slash = text.indexOf('/');
  const host = text.slice(0, Math.max(slash, 0));
  const at = text.indexOf('@');
  const digest = at < 0 ? null : text.slice(at + 1);
  const named = text.slice(slash + 1, at < 0 ? undefined : at);
  const colon = named.indexOf(':');
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? null : named.slice(colon + 1);
  // The text may hold a password, so do not repeat it.
  if (!hostText.test(host) || !/[.:]|^localhost$/.test(host)) throw broken('it names no registry');
  if (!repositoryText.test(repository) || repository.length > 255) throw broken('it names no repository');
  if (tag !== null && !tagText.test(tag)) throw broken('its tag is not valid');
  if (digest !== null && !digestText.test(digest)) throw broken('its digest is not SHA-256');
  return { host, repository, tag: tag ?? (digest === null ? 'latest' : null), digest };
}

/** Returns whether the registry is on this machine; only those are used without TLS. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(host);
}

function broken(problem: string): CachelaneError {
  return new CachelaneError('E_CONFIG', problem, { hint });
}
