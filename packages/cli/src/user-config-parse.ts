import type { StatedPolicy } from '@cachelane/core';
import { pushModes, type PushMode } from '@cachelane/engine';
import type { Located } from './config.ts';
import { readCatalogAliases } from './catalog-aliases-reader.ts';
import { readPolicy } from './policy-reader.ts';
import type { UserConfig } from './user-config.ts';
import { fields, lineOf, located, readChoice, readText, readYaml, unknownKey, type Reader } from './yaml-reader.ts';

export function parseUserConfig(text: string, path: string): UserConfig {
  return readYaml(text, path, (reader) => readRoot(reader, path));
}

function readRoot(reader: Reader, path: string): UserConfig {
  let remote: Located<string> | null = null;
  let push: Located<PushMode> | null = null;
  let policy: StatedPolicy = {};
  let catalogs: UserConfig['catalogs'] = [];
  let personalTier: Located<boolean> | null = null;
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
      case 'policy':
        policy = readPolicy(reader, field, {
          sourceOf: (line) => `${path}:${line}`,
          refuses: () => null,
          others: () => false,
        });
        break;
      case 'catalogs':
        catalogs = readCatalogAliases(reader, field);
        break;
      default:
        unknownKey(reader, field, ['remote', 'push', 'personal-tier', 'policy', 'catalogs']);
    }
  }
  return { path, remote, push, personalTier, policy, catalogs };
}
