import { CachelaneError, parseNamespace, type LockedCatalog, type Namespace } from '@cachelane/core';
import { catalogAliases } from '../config/catalog-aliases.ts';
import { projectOf } from '../context/find-volume.ts';
import type { Host } from '../host/host.ts';
import { readProjectLock } from '../context/project-lock.ts';
import { readUserConfig } from '../config/user-config.ts';

/** A catalog argument, parsed. */
export interface CatalogArgument {
  readonly namespace: Namespace;
  /** Null for the latest. */
  readonly version: number | null;
  /** The text without the version. */
  readonly alias: string;
  readonly directory: string | undefined;
}

export interface CatalogWords {
  /** `github.com/acme`, `my-org`, `github.com/acme@3`. */
  readonly text: string;
  /** The project whose aliases apply; undefined for the current one. */
  readonly directory: string | undefined;
}

/** Errors: E_USAGE for an invalid version, E_NAMESPACE, and those of the project if the text may be an alias. */
export async function catalogArgument(host: Host, { text, directory }: CatalogWords): Promise<CatalogArgument> {
  const at = text.lastIndexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const version = at < 0 ? null : versionIn(text, text.slice(at + 1));
  return { namespace: await namespaceNamed(host, { text: name, directory }), version, alias: name, directory };
}

function versionIn(text: string, digits: string): number {
  if (/^[1-9]\d{0,8}$/.test(digits)) return Number(digits);
  throw new CachelaneError('E_USAGE', `${JSON.stringify(text)} has an invalid version`, {
    hint: 'a version is a number: github.com/acme@3',
  });
}

/** Text without a slash may be an alias of the user's file, the project's file or the lock. */
export async function namespaceNamed(host: Host, { text, directory }: CatalogWords): Promise<Namespace> {
  if (text.includes('/')) return parseNamespace(text);
  const project = await projectOf(host, { directory, namespace: undefined });
  const { config } = project;
  const user = await readUserConfig(host);
  const named = (locked: readonly LockedCatalog[]): Namespace | undefined =>
    catalogAliases({ config, user, locked }).get(text)?.namespace;
  // An unreadable lock matters only if the alias is in no file.
  return named([]) ?? named(readProjectLock(project).catalogs) ?? parseNamespace(text);
}
