import { dirname, resolve } from 'node:path';
import { parseGrantee, parseProviderRef, parseVolumeName, type StatedPolicy, type UserParents } from '@cachelane/core';
import { pushModes, type PushMode } from '@cachelane/engine';
import { isSeq, type Node } from 'yaml';
import type { Located, UserConfig, UserProvider } from './config-types.ts';
import { readCatalogAliases } from './catalog-aliases-reader.ts';
import { readParents } from './parents-reader.ts';
import { readPolicy } from './policy-reader.ts';
import {
  fields,
  follow,
  guarded,
  lineOf,
  located,
  problem,
  readChoice,
  readText,
  readYaml,
  unknownKey,
  type Field,
  type Reader,
} from './yaml-reader.ts';

export function parseUserConfig(text: string, path: string): UserConfig {
  return readYaml(text, path, (reader) => readRoot(reader, path));
}

function readRoot(reader: Reader, path: string): UserConfig {
  let remote: Located<string> | null = null;
  let push: Located<PushMode> | null = null;
  let policy: StatedPolicy = {};
  let providers: readonly UserProvider[] = [];
  let providerModules: readonly Located<string>[] = [];
  let catalogs: UserConfig['catalogs'] = [];
  let personalTier: Located<boolean> | null = null;
  let parents: readonly UserParents[] = [];
  for (const field of fields(reader, reader.document.contents, 'the file')) {
    switch (field.key) {
      case 'remote':
        remote = located(readText(reader, field.value, field.at, 'a remote'));
        break;
      case 'push': {
        const value = readChoice(reader, field, pushModes, 'wait in CI and background elsewhere');
        push = value === null ? null : { value, line: lineOf(reader, field.at) };
        break;
      }
      case 'personal-tier': {
        const value = readChoice(reader, field, ['true', 'false'], 'false');
        personalTier = value === null ? null : { value: value === 'true', line: lineOf(reader, field.at) };
        break;
      }
      case 'parents':
        parents = readParentsOf(reader, field, path);
        break;
      case 'policy':
        policy = readPolicy(reader, field, {
          sourceOf: (line) => `${path}:${line}`,
          refuses: () => null,
          others: () => false,
        });
        break;
      case 'providers':
        providers = readProviders(reader, field, path);
        break;
      case 'provider-modules':
        providerModules = readModules(reader, field, path);
        break;
      case 'catalogs':
        catalogs = readCatalogAliases(reader, field);
        break;
      default:
        unknownKey(reader, field, [
          'remote',
          'push',
          'personal-tier',
          'parents',
          'policy',
          'providers',
          'provider-modules',
          'catalogs',
        ]);
    }
  }
  return { path, remote, push, personalTier, parents, policy, providers, providerModules, catalogs };
}

function readParentsOf(reader: Reader, field: Field, path: string): readonly UserParents[] {
  return fields(reader, field.value, field.key).flatMap((part) => {
    const line = lineOf(reader, part.at);
    const of = guarded(reader, { value: part.key, line, at: part.at }, (each) => parseGrantee(each, field.key));
    const parents = readParents(reader, part)?.map(({ value }) => value) ?? null;
    return of === null || parents === null ? [] : [{ of: of.value, parents, source: `${path}:${line}` }];
  });
}

function readProviders(reader: Reader, field: Field, path: string): readonly UserProvider[] {
  return fields(reader, field.value, field.key).flatMap((part) => {
    const name = guarded(reader, { value: part.key, line: lineOf(reader, part.at), at: part.at }, parseVolumeName);
    const text = readText(reader, part.value, part.at, 'a provider');
    const ref = text === null ? null : guarded(reader, text, (each) => parseProviderRef(each, part.key));
    return name === null || ref === null ? [] : [{ name: name.value, ref: ref.value, source: `${path}:${ref.line}` }];
  });
}

/** Resolves paths against the file's directory. */
function readModules(reader: Reader, field: Field, path: string): readonly Located<string>[] {
  if (!isSeq(field.value)) {
    problem(reader, field.at, `${field.key} must be a list of files`);
    return [];
  }
  return field.value.items.flatMap((item) => {
    const text = readText(reader, follow(reader, item as Node), field.at, 'a module');
    return text === null ? [] : [{ value: resolve(dirname(path), text.value), line: text.line }];
  });
}
