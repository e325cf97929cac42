import {
  sharingModes,
  syncChoices,
  type SharingMode,
  type StatedPolicy,
  type Sync,
  canonicalCompat,
  configFileName,
  limits,
  parseProviderRef,
  parseVolumeName,
  providerRight,
  type Namespace,
  type ProviderRef,
} from '@cachelane/core';
import { commitPolicies, type CommitPolicy } from '@cachelane/engine';
import { dirname } from 'node:path';
import { readCatalogAliases } from './catalog-aliases-reader.ts';
import { readNamespace, readParents } from './parents-reader.ts';
import { readPolicy, refusesStoreKeys } from './policy-reader.ts';
import type { Config, ConfigVolume, Located } from './config-types.ts';
import {
  fields,
  guarded,
  lineOf,
  located,
  problem,
  readChoice,
  readText,
  readYaml,
  unknownKey,
  where,
  type Field,
  type Reader,
} from './yaml-reader.ts';

/** Used only for settings that change sharing or lifetimes, never access. */
const ignored = 'is not supported by this version, ignored';

export function parseConfig(text: string, path: string): Config {
  return readYaml(text, configFileName, (reader) => readRoot(reader, path));
}

function readRoot(reader: Reader, path: string): Config {
  let namespace: Located<Namespace> | null = null;
  let parents: readonly Located<Namespace>[] | null = null;
  let volumes: readonly ConfigVolume[] | null = null;
  let policy: StatedPolicy = {};
  let catalogs: Config['catalogs'] = [];
  const root = reader.document.contents;
  for (const field of fields(reader, root, 'the file')) {
    switch (field.key) {
      case 'namespace':
        namespace = readNamespace(reader, field.value, field.at);
        break;
      case 'parents':
        parents = readParents(reader, field);
        break;
      case 'volumes':
        volumes = readVolumes(reader, field);
        break;
      case 'policy':
        policy = readPolicy(reader, field, {
          sourceOf: (line) => `${configFileName}:${line}`,
          refuses: refusesStoreKeys,
          others: (part) => isOfHub(reader, part),
        });
        break;
      case 'catalogs':
        catalogs = readCatalogAliases(reader, field);
        break;
      case 'remote':
      case 'push':
        refuseRemote(reader, field);
        break;
      default:
        unknownKey(reader, field, ['namespace', 'parents', 'volumes', 'catalogs', 'policy']);
    }
  }
  return { path, projectDir: dirname(path), namespace, parents, volumes, catalogs, policy, warnings: reader.warnings };
}

/** Siblings and promotion need a hub, which this version lacks, so ignoring them is safe. */
function isOfHub(reader: Reader, field: Field): boolean {
  if (field.key !== 'siblings' && field.key !== 'promote') return false;
  unsupported(reader, { ...field, key: `policy ${field.key}` }, ignored);
  return true;
}

/** The value is not repeated, since it may contain a secret. */
function refuseRemote(reader: Reader, { key, at }: Field): void {
  const variable = key === 'remote' ? 'CACHELANE_REMOTE' : 'CACHELANE_PUSH';
  problem(
    reader,
    at,
    `${key} cannot be set in the repository, because anyone who changes the repository could redirect your caches; set ${variable}, or put it into ~/.config/cachelane/config.yaml`,
  );
}

function readVolumes(reader: Reader, field: Field): readonly ConfigVolume[] {
  const volumes = fields(reader, field.value, 'volumes').flatMap((volume) => {
    const read = readVolume(reader, volume);
    return read === null ? [] : [read];
  });
  if (volumes.length > limits.volumesPerRun) {
    problem(reader, field.at, `${volumes.length} volumes exceed the limit of ${limits.volumesPerRun}`);
  }
  return volumes;
}

function readVolume(reader: Reader, field: Field): ConfigVolume | null {
  const name = guarded(reader, { value: field.key, line: lineOf(reader, field.at), at: field.at }, parseVolumeName);
  let tool: Located<string> | null = null;
  let path: Located<string> | null = null;
  let sharing: SharingMode | null = null;
  let commit: CommitPolicy | null = null;
  let sync: Sync | null = null;
  let source: Located<string> | null = null;
  let compat: Readonly<Record<string, string>> = {};
  let provider: Located<ProviderRef> | null = null;
  for (const part of fields(reader, field.value, `the volume ${field.key}`)) {
    switch (part.key) {
      case 'tool':
        tool = located(readText(reader, part.value, part.at, 'a tool'));
        break;
      case 'path':
        path = readPath(reader, part, orHome);
        break;
      case 'compat':
        compat = readCompat(reader, part);
        break;
      case 'sharing':
        sharing = readChoice(reader, part, sharingModes, 'as suits the tool, mostly PRIVATE');
        break;
      case 'commit':
        commit = readChoice(reader, part, commitPolicies);
        break;
      case 'sync':
        sync = readChoice(reader, part, syncChoices);
        break;
      case 'source':
        source = readPath(reader, part, onlyProject);
        break;
      case 'provider':
        provider = readProvider(reader, part);
        break;
      case 'visibility':
        readVisibility(reader, part);
        break;
      case 'owner':
      case 'seed':
        unsupported(reader, part, ignored);
        break;
      default:
        unknownKey(reader, part, ['tool', 'path', 'compat', 'sharing', 'commit', 'sync', 'source', 'provider']);
    }
  }
  if (name === null) return null;
  return { name: name.value, tool, path, sharing, commit, sync, source, compat, provider, line: name.line };
}

/** Which paths a file may name. */
interface PathReach {
  readonly mayBeInHome: boolean;
  readonly isAbsolute: string;
  readonly isAllOfIt: string;
  readonly isOfGit: string;
}

/** In the project or below the home directory. */
const orHome: PathReach = {
  mayBeInHome: true,
  isAbsolute:
    'is absolute: a file in the repository may only use paths in the project (cache) or below the home directory (~/.cache/name); use -v NAME:PATH for other paths',
  isAllOfIt: 'is the project itself, and a volume there would hide it',
  isOfGit: 'is the git directory, and a volume there would hide the repository',
};

/** For sources: a repository must not bring files of the home directory into a cache. */
const onlyProject: PathReach = {
  mayBeInHome: false,
  isAbsolute: 'leads out of the project: a file in the repository may only name a directory in it (./seed)',
  isAllOfIt: 'is the project itself: name a directory in it',
  isOfGit: 'is the git directory, which is no cache',
};

function readPath(reader: Reader, field: Field, reach: PathReach): Located<string> | null {
  const text = readText(reader, field.value, field.at, 'a path');
  if (text === null) return null;
  const refuse = (why: string): null => {
    problem(reader, text.at, `${field.key} ${JSON.stringify(text.value)} ${why}`);
    return null;
  };
  if (text.value.startsWith('/')) return refuse(reach.isAbsolute);
  const segments = text.value.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) return refuse('must not contain ".."');
  if (text.value.includes('\0')) return refuse('must not contain a NUL byte');
  if (segments[0]?.startsWith('~') === true) {
    if (!reach.mayBeInHome) return refuse(reach.isAbsolute);
    if (segments[0] !== '~') return refuse("names another user's home");
  }
  if (segments.includes('.git')) return refuse(reach.isOfGit);
  if (segments.length === 0) return refuse(reach.isAllOfIt);
  if (segments.length === 1 && segments[0] === '~')
    return refuse('is the home directory, and a volume there would hide it');
  return located(text);
}

function readCompat(reader: Reader, field: Field): Readonly<Record<string, string>> {
  const compat: Record<string, string> = {};
  const parts = fields(reader, field.value, 'compat');
  if (parts.length > limits.compatFields) {
    problem(reader, field.at, `${parts.length} compat fields exceed the limit of ${limits.compatFields}`);
  }
  for (const part of parts) {
    const value = readText(reader, part.value, part.at, `compat.${part.key}`);
    if (value === null) continue;
    // One field at a time, so that a problem names its line.
    const field = guarded(reader, value, (text) => canonicalCompat({ [part.key]: text }));
    Object.assign(compat, field?.value);
  }
  return compat;
}

/** Allows only providers that a file may choose. A refused value is not repeated, since it may contain a password. */
function readProvider(reader: Reader, field: Field): Located<ProviderRef> | null {
  const text = readText(reader, field.value, field.at, 'a provider');
  const ref = text === null ? null : guarded(reader, text, (each) => parseProviderRef(each, field.key));
  if (text === null || ref === null) return null;
  const right = providerRight('repository', ref.value);
  if (right.kind !== 'refused') return ref;
  problem(
    reader,
    text.at,
    `provider ${ref.value.kind} cannot be set in the repository, because it ${right.why}; a repository may name project, catalog and none; set others with --provider, CACHELANE_PROVIDERS or ~/.config/cachelane/config.yaml`,
  );
  return null;
}

function readVisibility(reader: Reader, field: Field): void {
  const text = readText(reader, field.value, field.at, 'visibility');
  if (text === null || text.value === 'public') return;
  problem(
    reader,
    text.at,
    `visibility ${text.value} is not supported by this version: untrusted runs could read the volume`,
  );
}

function unsupported(reader: Reader, field: Field, why: string): void {
  reader.warnings.push(`${where(reader, field.at)} ${field.key} ${why}`);
}
