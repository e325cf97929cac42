import {
  childPath,
  parentPath,
  unknownToolName,
  type BytePath,
  type ClassifyContext,
  type PathRule,
  type Tool,
} from '@cachelane/core';
import { credentials, never, unknownGroupRule, unknownRule } from './rules.ts';

/**
 * Paths of credential files, relative to the home directory. No volume stores them, neither at these places below the home directory
 * nor at the same paths below its own root, since a volume may contain a home directory or a part of one.
 * Files of the same names elsewhere (`credentials.js`, a template's `.npmrc`) are stored.
 */
export const credentialPaths: ReadonlySet<string> = new Set([
  '.aws/credentials',
  '.azure/accessTokens.json',
  '.azure/msal_token_cache.bin',
  '.azure/msal_token_cache.json',
  '.bundle/config',
  '.bunfig.toml',
  '.cache/huggingface/stored_tokens',
  '.cache/huggingface/token',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.composer/auth.json',
  '.config/.wrangler/config/default.toml',
  '.config/NuGet/NuGet.Config',
  '.config/composer/auth.json',
  '.config/containers/auth.json',
  '.config/gcloud/access_tokens.db',
  '.config/gcloud/application_default_credentials.json',
  '.config/gcloud/credentials.db',
  '.config/gcloud/legacy_credentials',
  '.config/gh/hosts.yml',
  '.config/git/credentials',
  '.config/glab-cli/config.yml',
  '.config/helm/registry/config.json',
  '.config/hub',
  '.config/pip/pip.conf',
  '.config/pnpm/auth.ini',
  '.config/pnpm/rc',
  '.config/pypoetry/auth.toml',
  '.config/rclone/rclone.conf',
  '.docker/config.json',
  '.gem/credentials',
  '.git-credentials',
  '.gnupg',
  '.gradle/gradle.properties',
  '.helm/registry/config.json',
  '.ivy2/.credentials',
  '.kube/config',
  '.local/share/keyrings',
  '.local/share/pnpm/rc',
  '.m2/settings-security.xml',
  '.m2/settings.xml',
  '.netrc',
  '.npmrc',
  '.nuget/NuGet.Config',
  '.nuget/NuGet/NuGet.Config',
  '.pgpass',
  '.pip/pip.conf',
  '.pulumi/credentials.json',
  '.pypirc',
  '.sbt/.credentials',
  '.ssh',
  '.terraform.d/credentials.tfrc.json',
  '.vault-token',
  '.wrangler/config/default.toml',
  '.yarnrc.yml',
  '_netrc',
]);

/** The same files for a volume that is a tool's own directory (`~/.aws`, `~/.cargo`, `~/.ssh`). These names apply to the volume's root only. */
export const credentialNames: ReadonlySet<string> = new Set([
  'access_tokens.db',
  'application_default_credentials.json',
  'credentials',
  'credentials.db',
  'credentials.tfrc.json',
  'credentials.toml',
  'hosts.yml',
  'id_dsa',
  'id_ecdsa',
  'id_ecdsa_sk',
  'id_ed25519',
  'id_ed25519_sk',
  'id_rsa',
  'legacy_credentials',
  'private-keys-v1.d',
  'settings-security.xml',
]);

/** Common file names in a volume's root that are credentials only if their content matches. */
const credentialContents: ReadonlyMap<string, RegExp> = new Map([
  ['config.json', /"auths"\s*:/],
  ['settings.xml', /<(?:password|passphrase)>/],
]);

const privateKey = /^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;

/** Larger files are not settings. */
const settingsBytes = 262_144;

/** The first bytes of every SQLite 3 database; the format will not change (sqlite.org/fileformat2.html). */
const sqliteMagic = 'SQLite format 3\0';

/** Files that belong to the database of the same name without the suffix. */
const sqliteCompanions = ['-wal', '-journal'] as const;
const sqliteSharedMemory = '-shm';

/** The rule for an unknown directory: stored as it is, with its removals. */
export const directoryTool: Tool = {
  name: unknownToolName,
  rulesVersion: 1,
  summary: 'any other directory: changes and removals are kept, two different changes of one file are a conflict',
  lockfiles: [],
  locate: () => null,
  redirect: () => null,
  linksOut: false,
  compat: ({ os, arch }) => ({ os, arch }),
  classify: classifyUnknown,
  commitWhen: 'success',
  prune: { kind: 'none', why: 'the format is unknown' },
  sync: 'always',
  versions: 'the format is unknown',
  stored: [{ path: 'any/file', what: 'everything, exactly as it is', checked: 'never' }],
  neverStored: ['.netrc', '.ssh/', 'id_rsa'],
  tried: 'not yet',
};

function isCredential(path: BytePath): boolean {
  for (let at: BytePath = path; at !== ''; at = parentPath(at)) {
    if (credentialPaths.has(at) || credentialNames.has(at)) return true;
  }
  return false;
}

/** Private keys may have any name, so their content decides. */
function holdsCredentials(path: BytePath, context: ClassifyContext): boolean {
  if (path.includes('/')) return false;
  const pattern = credentialContents.get(path);
  const head = context.peek(path, pattern === undefined ? 64 : settingsBytes);
  return head !== undefined && (pattern ?? privateKey).test(Buffer.from(head).toString('latin1'));
}

/** Returns the rule for an unknown file. Known tools use it for parts of their cache with an unknown layout. */
export function classifyUnknown(path: BytePath, isDirectory: boolean, context: ClassifyContext): PathRule {
  if (isCredential(path)) return credentials;
  if (isDirectory) return unknownRule;
  if (holdsCredentials(path, context)) return credentials;
  if (isLockName(path) && context.peek(path, 1)?.length === 0) return never('an empty lock file');
  if (isDatabaseOf(path, sqliteSharedMemory, context)) return never('shared memory of a running SQLite');
  const companion = sqliteCompanions.find((suffix) => isDatabaseOf(path, suffix, context));
  if (companion !== undefined) return unknownGroupRule(path.slice(0, -companion.length));
  return isDatabase(path, context) ? unknownGroupRule(path) : unknownRule;
}

function isLockName(path: BytePath): boolean {
  return /(^|\/)(lock|[^/]*\.lock)$/.test(path);
}

function isDatabaseOf(path: BytePath, suffix: string, context: ClassifyContext): boolean {
  if (!path.endsWith(suffix)) return false;
  const name = path.slice(path.lastIndexOf('/') + 1, -suffix.length);
  return name !== '' && isDatabase(childPath(parentPath(path), name), context);
}

function isDatabase(path: BytePath, context: ClassifyContext): boolean {
  const head = context.peek(path, sqliteMagic.length);
  return head !== undefined && String.fromCharCode(...head) === sqliteMagic;
}
