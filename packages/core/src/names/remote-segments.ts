import { digestOf } from '../base/digest.ts';
import { ignoresCase, lowerAscii } from './letter-case.ts';
import { parseRemoteUrl, type RemoteUrl } from './remote-url.ts';
import { escapeSegment, percentDecode } from './segment.ts';

type NetworkUrl = Extract<RemoteUrl, { kind: 'network' }>;

/** The location of a repository, without the way to reach it. */
interface Place {
  readonly host: string;
  /** Null for the default port. */
  readonly port: number | null;
  readonly path: readonly string[];
}

const defaultPorts: Readonly<Record<string, number>> = {
  ssh: 22,
  'git+ssh': 22,
  'ssh+git': 22,
  http: 80,
  'git+http': 80,
  https: 443,
  'git+https': 443,
  git: 9418,
  ftp: 21,
  ftps: 990,
  rsync: 873,
};

/** Other names of hosts in remotes; the `ssh` ones answer on port 443, for networks that block 22. */
const hostAliases: ReadonlyMap<string, string> = new Map([
  ['www.github.com', 'github.com'],
  ['ssh.github.com', 'github.com'],
  ['www.gitlab.com', 'gitlab.com'],
  ['altssh.gitlab.com', 'gitlab.com'],
  ['www.bitbucket.org', 'bitbucket.org'],
  ['altssh.bitbucket.org', 'bitbucket.org'],
  ['hf.co', 'huggingface.co'],
]);

/** Ports that identify a product, so that ssh and https addresses of a repository match. */
const productPorts = { gerritSsh: 29418, bitbucketSsh: 7999, bitbucketWeb: [7990, 8443], googleSsh: 2022 } as const;

/**
 * Returns the namespace of a remote as escaped segments, before case folding and limits. Addresses of one repository
 * (ssh, https, scp form) give the same segments if the address alone shows it. At least one segment; never throws.
 */
export function remoteSegments(url: string): readonly string[] {
  const segments = rawSegments(url).map(escapeSegment);
  // Nothing is left of `https://` or `:`, but it still needs a name.
  return segments.length > 0 ? segments : ['remote', digestOf(url).slice(0, 32)];
}

function rawSegments(url: string): readonly string[] {
  const remote = parseRemoteUrl(url);
  switch (remote.kind) {
    case 'path': {
      const path = pathSegments(remote.segments);
      return ['file', ...(path.length > 0 ? path : ['/'])];
    }
    case 'opaque':
      return ['remote', `${remote.helper}-${digestOf(url).slice(0, 32)}`];
    case 'network':
      return networkSegments(remote);
  }
}

function networkSegments(remote: NetworkUrl): readonly string[] {
  const path = pathSegments(remote.path.split('/').map(percentDecode));
  // In `s3://bucket/…` and `keybase://…` the host part is not a host.
  if (defaultPorts[remote.scheme] === undefined) return [remote.scheme, remote.host, ...path].filter(Boolean);
  const written = remote.host.toLowerCase().replace(/\.+$/, '');
  const host = hostAliases.get(written) ?? written;
  const isDefault = remote.port === defaultPorts[remote.scheme] || (host !== written && remote.port === 443);
  const place = knownForge({ host, port: isDefault ? null : remote.port, path }, remote);
  if (place.port !== null) return [`${place.host}:${place.port}`, ...place.path];
  return [place.host, ...(ignoresCase(place.host) ? place.path.map(lowerAscii) : place.path)].filter(Boolean);
}

/** Returns the path without empty and `.` segments, with `..` resolved, and without the final `.git`. */
function pathSegments(written: readonly string[]): readonly string[] {
  const path: string[] = [];
  for (const segment of written) {
    if (segment === '..') path.pop();
    else if (segment !== '' && segment !== '.') path.push(segment);
  }
  const last = path.pop();
  if (last === undefined) return path;
  const name = last.replace(/\.[Gg][Ii][Tt]$/, '');
  return name === '' ? path : [...path, name];
}

const publicForges = /^(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|git\.sr\.ht|huggingface\.co)$/;

function knownForge(place: Place, remote: NetworkUrl): Place {
  if (publicForges.test(place.host)) return place;
  const { host } = place;
  if (/(?:^|\.)dev\.azure\.com$|\.visualstudio\.com$/.test(host)) return azureDevOps(place, remote);
  if (/^git-codecommit(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/.test(host)) return codeCommit(place);
  if (host === 'source.developers.google.com') return withoutPort(place, productPorts.googleSsh);
  return gerrit(bitbucketServer(place, remote), remote);
}

/** Returns one form for `dev.azure.com/org/project/_git/repo`, its ssh form and those of visualstudio.com. */
function azureDevOps(place: Place, remote: NetworkUrl): Place {
  const { host } = place;
  const path = place.path.filter((segment, index) => index === 0 || !/^_(?:full|optimized)$/.test(segment));
  const found = organisationOf(host, path, remote);
  if (found === null) return place;
  const [organisation, rest] = found;
  const marker = rest.findIndex((segment) => segment === '_git' || segment === '_ssh');
  const names = rest.filter((segment, index) => index !== marker && !(index === 0 && segment === 'DefaultCollection'));
  const isRepository = marker >= 0 || /^(?:vs-)?ssh\./.test(host);
  if (!isRepository || names.length === 0 || names.length > 2) return place;
  // A repository named like its project is written without the project.
  const [project = '', repository = project] = names;
  // The old form has the organisation in the host name, so its case never counts.
  return { host: 'dev.azure.com', port: null, path: [organisation.toLowerCase(), project, repository] };
}

function organisationOf(
  host: string,
  path: readonly string[],
  remote: NetworkUrl,
): readonly [organisation: string, rest: readonly string[]] | null {
  const [first, ...rest] = path;
  if (host === 'dev.azure.com') return first === undefined ? null : [first, rest];
  if (host === 'ssh.dev.azure.com' || host === 'vs-ssh.visualstudio.com') {
    const [organisation, ...names] = rest;
    if (first === 'v3') return organisation === undefined ? null : [organisation, names];
    return remote.user === null ? null : [remote.user, path];
  }
  const organisation = /^([^.]+)\.visualstudio\.com$/.exec(host)?.[1];
  return organisation === undefined ? null : [organisation, path];
}

function codeCommit(place: Place): Place {
  const [version, collection, ...repository] = place.path;
  return version === 'v1' && collection === 'repos' ? { ...place, path: repository } : place;
}

/**
 * Bitbucket Server: `https://host/scm/proj/repo.git` (sometimes behind `/bitbucket` or `/stash`) is
 * `ssh://git@host:7999/proj/repo.git`. With a custom web port the two cannot be matched.
 */
function bitbucketServer(place: Place, remote: NetworkUrl): Place {
  const path = /^(?:bitbucket|stash)$/.test(place.path[0] ?? '') ? place.path.slice(1) : place.path;
  if (path.length === 3 && path[0] === 'scm') {
    const port = productPorts.bitbucketWeb.some((known) => known === place.port) ? null : place.port;
    return { ...place, port, path: path.slice(1) };
  }
  if (remote.scheme !== 'ssh' || place.path.length !== 2) return place;
  return withoutPort(place, productPorts.bitbucketSsh);
}

/** Gerrit: port 29418 is its ssh port, and `/a/` before the project requests a password on the web. */
function gerrit(place: Place, remote: NetworkUrl): Place {
  const [first, ...rest] = place.path;
  const isGerrit = /(?:^|[.-])gerrit[.-]|(?:^|\.)review\.|\.googlesource\.com$/.test(place.host);
  const isWeb = /^https?$/.test(remote.scheme);
  const path = isWeb && isGerrit && first === 'a' && rest.length > 0 ? rest : place.path;
  return withoutPort({ ...place, path }, productPorts.gerritSsh);
}

function withoutPort(place: Place, port: number): Place {
  return place.port === port ? { ...place, port: null } : place;
}
