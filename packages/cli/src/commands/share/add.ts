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
    'Writes what the catalog of NAMESPACE says, in its latest version, into cachelane.lock: the nearest one from the project up to the root of its repository, else beside the project. Commit it. From then on client.myOrg().pipCache() of cachelane generate, sessions of an engine, and providers (catalog:my-org/pip-cache) go by that, also where the catalog is not to be had, as in CI. Again it brings what changed, and says what of that breaks code; without NAMESPACE it does so for all that is locked.',
    'What a later version removed, or made another volume, is kept as such: code that asks for it does not compile, with the reason, and gets an error where nothing compiles it. Once the code is right, --accept NAME lets it go.',
  ],
  options: {
    directory: projectOptions.directory,
    as: {
      value: 'ALIAS',
      help: "what the project's code calls it, my-org; the last word of NAMESPACE where it is left out",
    },
    version: { value: 'N', help: 'lock this version instead of the latest' },
    accept: {
      value: 'NAME',
      many: true,
      help: 'what is gone, or another volume now, is known; may be given several times',
    },
    'dry-run': { help: 'say what would change, and change nothing' },
    ...jsonOption,
  },
  operands: [
    {
      name: 'NAMESPACE',
      optional: true,
      help: 'whose catalog it is, such as github.com/acme, or what the project calls it; --accept and --version may be without where only one can be meant',
    },
  ],
  async run({ options, operands }, host) {
    const project = await projectOf(host, { directory: options.directory, namespace: undefined });
    const { as, accept: accepted, version } = options;
    const user = await readUserConfig(host);
    // Two that begin at once would each write what it read, and what it adds.
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
      warn(host, `${besideLock(lock.path)} is not what the lock gives: cachelane generate`);
    return 0;
  },
});

/** Code that names the alias and no version would get the other one. */
function otherMeaning(
  { alias, namespace }: LockedCatalog,
  aliases: ReadonlyMap<string, NamedCatalog>,
): readonly string[] {
  const named = aliases.get(alias);
  if (named === undefined || named.namespace === namespace) return [];
  return [`${alias} is ${named.namespace} by ${named.source}, which counts before ${lockFileName}`];
}

/** Errors: E_USAGE. */
function versionIn(text: string | undefined): number | null {
  if (text === undefined) return null;
  const version = Number(text);
  if (Number.isSafeInteger(version) && version >= 1) return version;
  throw new CachelaneError('E_USAGE', `--version ${JSON.stringify(text)} is no number of a version`, {
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
