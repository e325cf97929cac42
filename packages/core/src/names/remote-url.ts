import { printable } from './printable.ts';

/** A parsed git remote. Parsing drops passwords and tokens; only `user` keeps a user name. */
export type RemoteUrl =
  | {
      readonly kind: 'network';
      /** Lower case; `ssh` for the scp form. */
      readonly scheme: string;
      /** As written, percent-decoded; an IPv6 address in brackets. May be empty. */
      readonly host: string;
      readonly port: number | null;
      /** Needed for one old form of Azure DevOps. Never shown, and never part of another name. */
      readonly user: string | null;
      /** As written, without query and fragment. */
      readonly path: string;
    }
  /** A local directory; segments as on disk, a Windows drive as `c:`. */
  | { readonly kind: 'path'; readonly segments: readonly string[] }
  /** An address in the syntax of a remote helper (`ext::sh -c …`). */
  | { readonly kind: 'opaque'; readonly helper: string };

const webSchemes = /^(?:https?|ftps?|git\+https?)$/;

/** Parses every form that git accepts. Never throws. */
export function parseRemoteUrl(text: string): RemoteUrl {
  const { helper, address } = splitHelper(text.trim() === '' ? text : text.trim());
  if (isWindowsPath(address)) return windowsPath(address);
  const url = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(address);
  if (url !== null) {
    const [, scheme = '', rest = ''] = url;
    return scheme.toLowerCase() === 'file' ? fileUrl(rest) : networkUrl(scheme.toLowerCase(), rest);
  }
  const scp = scpForm(address);
  if (scp !== null) return scp;
  return helper === null ? { kind: 'path', segments: address.split('/') } : { kind: 'opaque', helper };
}

/** `hg::https://…` is an address for a helper program. The helper's name does not identify the repository. */
function splitHelper(text: string): { readonly helper: string | null; readonly address: string } {
  let helper: string | null = null;
  let address = text;
  for (;;) {
    const found = /^([A-Za-z0-9][A-Za-z0-9+.-]*)::/.exec(address);
    if (found === null) return { helper, address };
    helper = found[1] ?? '';
    const rest = address.slice(found[0].length);
    if (helper.toLowerCase() === 'codecommit') return { helper, address: codeCommit(rest) };
    address = rest;
    // These are commands and file descriptors, not addresses.
    if (helper === 'ext' || helper === 'fd') return { helper, address: '' };
  }
}

/** `us-east-1://profile@Repo` is the form of AWS's helper, for the same repository as https and ssh. */
function codeCommit(address: string): string {
  const found = /^([a-z0-9-]+):\/\/(?:[^@/]*@)?(.*)$/s.exec(address);
  if (found === null) return address;
  const [, region = '', repository = ''] = found;
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://git-codecommit.${region}.${domain}/v1/repos/${repository}`;
}

function isWindowsPath(text: string): boolean {
  return /^[A-Za-z]:[\\/]/.test(text) || text.startsWith('\\\\');
}

function windowsPath(text: string): RemoteUrl {
  const segments = text.split(/[\\/]/);
  const first = segments[0] ?? '';
  if (first !== '') return { kind: 'path', segments: [first.toLowerCase(), ...segments.slice(1)] };
  const [, , server = '', ...share] = segments;
  return { kind: 'path', segments: [`//${server}`, ...share] };
}

/** Parses the text after `file://`; git decodes escapes in it. */
function fileUrl(rest: string): RemoteUrl {
  const slash = rest.indexOf('/');
  const server = (slash < 0 ? rest : rest.slice(0, slash)).replace(/^.*@/s, '');
  const path = decodeText(slash < 0 ? '' : rest.slice(slash + 1));
  if (isWindowsPath(path)) return windowsPath(path);
  if (isWindowsPath(rest)) return windowsPath(rest);
  const isHere = server === '' || server.toLowerCase() === 'localhost';
  return { kind: 'path', segments: isHere ? path.split('/') : [`//${server}`, ...path.split('/')] };
}

function networkUrl(scheme: string, rest: string): RemoteUrl {
  const { user, host, port, path } = splitAuthority(rest);
  // On the web, query and fragment do not identify a repository and may hold a token. In ssh and git they are file
  // names.
  const shownPath = webSchemes.test(scheme) ? path.replace(/[?#].*$/s, '') : path;
  return { kind: 'network', scheme, host, port, user, path: shownPath };
}

interface Authority {
  readonly user: string | null;
  readonly host: string;
  readonly port: number | null;
  readonly path: string;
}

/** Splits the text after `scheme://`. */
function splitAuthority(rest: string): Authority {
  const end = /[/?#]/.exec(rest)?.index ?? rest.length;
  const authority = rest.slice(0, end);
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  const found = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(place);
  const host = found?.[1] ?? place;
  const port = found?.[2] ?? '';
  if (!/^\d*$/.test(port)) {
    // An unescaped slash cut a password in two. No part of it may become a host, a port or a path.
    const cut = rest.lastIndexOf('@');
    if (cut >= end) return { ...splitAuthority(rest.slice(cut + 1)), user: null };
    // `ssh://git@host:owner/repo` mixes URL and scp form. It is common, and its meaning is clear.
    const path = port + rest.slice(end);
    return { user: userOf(authority, at), host: decodeText(host), port: null, path };
  }
  return {
    user: userOf(authority, at),
    host: decodeText(host),
    port: port === '' ? null : Number(port),
    path: rest.slice(end),
  };
}

function userOf(authority: string, at: number): string | null {
  return at < 0 ? null : decodeText(authority.slice(0, at).replace(/:.*$/s, ''));
}

/** Parses `[user@]host:path`, or returns null: the colon comes before any slash. */
function scpForm(written: string): RemoteUrl | null {
  const { text, cut } = withoutToken(written);
  const found = plainScpForm(text);
  return found !== null || !cut ? found : networkUrl('ssh', text);
}

/** `user:token@host/path` without a scheme: git would look for a host with the user's name. Drop the token. */
function withoutToken(written: string): { readonly text: string; readonly cut: boolean } {
  let text = written;
  for (;;) {
    const found = /^[^/:[\]]*:\/*[^/]*@/.exec(text);
    if (found === null) return { text, cut: text !== written };
    text = text.slice(found[0].length);
  }
}

function plainScpForm(text: string): RemoteUrl | null {
  const bracketed = /^(?:([^/[\]]*)@)?\[([^/\]]*)\]:(.*)$/s.exec(text);
  if (bracketed !== null) {
    const [, before = null, inside = '', path = ''] = bracketed;
    // Git accepts both `user@[host:port]:path` and `[user@host:port]:path`.
    const at = inside.lastIndexOf('@');
    const inner = inside.slice(at + 1);
    const user = at < 0 ? before : inside.slice(0, at);
    const hostAndPort = /^([^:]*):(\d+)$/.exec(inner);
    const host = hostAndPort?.[1] ?? (inner.includes(':') ? `[${inner}]` : inner);
    return ssh(user, host, hostAndPort === null ? null : Number(hostAndPort[2]), path);
  }
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  if (colon < 0 || (slash >= 0 && slash < colon)) return null;
  const left = text.slice(0, colon);
  const path = text.slice(colon + 1);
  const at = left.lastIndexOf('@');
  return ssh(at < 0 ? null : left.slice(0, at), left.slice(at + 1), null, path);
}

function ssh(user: string | null, host: string, port: number | null, path: string): RemoteUrl {
  return { kind: 'network', scheme: 'ssh', host, port, user, path };
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Returns a remote without secrets: scheme, host, port and path remain. Text that is not a URL stays as it is.
 * Control characters are escaped.
 */
export function redactUrl(text: string): string {
  if (!text.includes(':')) return printable(text);
  const remote = parseRemoteUrl(text);
  switch (remote.kind) {
    case 'path':
      return printable(text.replace(/^\s*file:\/\/[^/]*@/is, 'file://'));
    case 'opaque':
      return printable(`${remote.helper}::…`);
    case 'network': {
      const port = remote.port === null ? '' : `:${remote.port}`;
      if (!text.includes('://')) return printable(`${remote.host}${port}:${remote.path}`);
      const path = remote.path === '' || remote.path.startsWith('/') ? remote.path : `/${remote.path}`;
      return printable(`${remote.scheme}://${remote.host}${port}${path}`);
    }
  }
}
