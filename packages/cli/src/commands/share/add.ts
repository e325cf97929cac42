import { join } from 'node:path';
import { CachelaneError, encodeLock, lockFileName, type LockedCatalog } from '@cachelane/core';
import { addCatalog, refreshCatalogs, type AddedCatalog, type CatalogSource } from '@cachelane/engine';
import { addedJson, addedText } from '../../catalogs/added-catalog-text.ts';
import { catalogAliases, type NamedCatalog } from '../../config/catalog-aliases.ts';
import { catalogOfStore } from '../../catalogs/catalog-of-store.ts';
import { catalogToAdd } from '../../catalogs/catalog-to-add.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { besideLock, generatedClient } from '../../catalogs/generated-client.ts';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { readProjectLock, writeBeside } from '../../context/project-lock.ts';
import { homeToRead, readStore } from '../../home/store.ts';
import { readUserConfig } from '../../config/user-config.ts';
import { warn } from '../../host/warn.ts';

export const add: Command = defineCommand({
  name: 'add',
  summary: 'lock a version of a catalog in cachelane.lock',
  examples: ['cachelane add github.com/acme', 'cachelane add github.com/acme --version 3'],
  details: [
    'Writes the latest catalog of NAMESPACE into cachelane.lock: the nearest file from the project up to the root of its repository, else a new one in the project. Commit the file. Clients of cachelane generate (client.myOrg().pipCache()), sessions of an engine and providers (catalog:my-org/pip-cache) then use it, even where the catalog is not available, as in CI. Repeating the command updates it and lists changes that break code; without NAMESPACE it updates all locked catalogs.',
    'Definitions that a later version removed or replaced stay in the lock as removed: code that uses them does not compile and gets an error with the reason. Once the code is fixed, drop them with --accept NAME.',
  ],
  options: {
    directory: projectOptions.directory,
    as: {
      value: 'ALIAS',
      help: "the alias in the project's code, such as my-org; default: the last word of NAMESPACE",
    },
    version: { value: 'N', help: 'lock this version instead of the latest' },
    accept: {
      value: 'NAME',
      many: true,
      help: 'accept that this definition is removed or replaced; can be repeated',
    },
    'dry-run': { help: 'show what would change without changing it' },
    ...jsonOption,
  },
  operands: [
    {
      name: 'NAMESPACE',
      optional: true,
      help: 'the namespace, such as github.com/acme, or its alias; optional with --accept and --version if only one catalog fits',
    },
  ],
  async run({ options, operands }, host) {
    const project = await projectOf(host, { directory: options.directory, namespace: undefined });
    const { as, accept: accepted, version } = options;
    const user = await readUserConfig(host);
    // Two concurrent commands would overwrite each other's additions.
    using _turn = await waitForFile(host, join(homeToRead(host), 'adding'));
    const lock = readProjectLock(project);
    const { catalogs: locked } = lock;
    const aliases = catalogAliases({ config: project.config, user, locked });
    const asked = catalogToAdd({ name: operands.NAMESPACE, as, version, accepted }, { locked, aliases });
    const added = await readStore(host, async ({ metadata, signal }): Promise<AddedCatalog> => {
      const source: CatalogSource = async (namespace, wanted) =>
        await catalogOfStore(metadata, { namespace, version: wanted, digest: null }, signal);
      return asked === null
        ? await refreshCatalogs(source, locked)
        : await addCatalog(source, { locked, ...asked, version: versionIn(version), accepted });
    });
    const dryRun = options['dry-run'];
    const text = encodeLock(added.locked);
    if (!dryRun && added.locked.length > 0) writeBeside(lock.path, text);
    for (const { warnings, after } of added.changed)
      for (const message of [...warnings, ...otherMeaning(after, aliases)]) warn(host, message);
    if (options.json) printJson(host, addedJson(added, { file: lock.path, dryRun }));
    else host.stdout.write(addedText(added, { file: lock.path, dryRun }));
    const client = dryRun || added.locked.length === 0 ? null : generatedClient(project, undefined);
    if (client?.state === 'stale')
      warn(host, `${besideLock(lock.path)} does not match the lock: run cachelane generate`);
    return 0;
  },
});

/** Warns that code which uses the alias without a version gets another namespace. */
function otherMeaning(
  { alias, namespace }: LockedCatalog,
  aliases: ReadonlyMap<string, NamedCatalog>,
): readonly string[] {
  const named = aliases.get(alias);
  if (named === undefined || named.namespace === namespace) return [];
  return [`${alias} means ${named.namespace} in ${named.source}, which wins over ${lockFileName}`];
}

/** Errors: E_USAGE. */
function versionIn(text: string | undefined): number | null {
  if (text === undefined) return null;
  const version = Number(text);
  if (Number.isSafeInteger(version) && version >= 1) return version;
  throw new CachelaneError('E_USAGE', `--version must be a number, not ${JSON.stringify(text)}`, {
    hint: 'versions are 1, 2, 3: see cachelane catalog show NAMESPACE',
  });
}

const pollMs = 20;

async function waitForFile({ pieces, clock }: Host, file: string): Promise<Disposable> {
  for (;;) {
    const held = await pieces.holdFile(file);
    if (held !== null) return held;
    await clock.sleep(pollMs, new AbortController().signal);
  }
}
