import { staleText, type DefinitionChange, type StaleDefinition } from '@cachelane/core';
import type { AddedCatalog, CatalogStep } from '@cachelane/engine';
import { plural, printable } from '../base/format.ts';

interface Written {
  readonly file: string;
  readonly dryRun: boolean;
}

export function addedJson({ changed }: AddedCatalog, { file, dryRun }: Written): object {
  return {
    file,
    dryRun,
    catalogs: changed.map(({ before, after, changes, warnings }) => ({
      alias: after.alias,
      namespace: after.namespace,
      version: after.version,
      versionBefore: before?.version ?? null,
      digest: after.digest,
      changes,
      gone: after.gone,
      changed: after.changed,
      warnings,
    })),
  };
}

export function addedText({ changed }: AddedCatalog, { file, dryRun }: Written): string {
  if (changed.length === 0) return `${file} locks no catalog; lock one with cachelane add NAMESPACE\n`;
  return changed.map((step) => stepText(step, dryRun)).join('');
}

function stepText(step: CatalogStep, dryRun: boolean): string {
  const { before, after, changes } = step;
  const { alias, namespace, version } = after;
  const stale = [...after.gone, ...after.changed].map(({ name }) => name);
  const lineOf = (change: DefinitionChange): string => changeLine(change, after.gone);
  if (before !== null && before.version === version && before.digest === after.digest && changes.length === 0) {
    return `${alias}: ${namespace} stays at version ${version}\n${staleHint(namespace, stale)}`;
  }
  const from = before === null ? '' : `, from version ${before.version}`;
  const verb = dryRun ? 'would be locked' : 'is locked';
  return [
    `${alias}: ${namespace} ${verb} at version ${version}${from}\n`,
    ...(before === null ? [`  ${plural(after.content.definitions.length, 'volume')}\n`] : changes.map(lineOf)),
    staleHint(namespace, stale),
  ].join('');
}

/** Prints a removed definition like the compiler: an announcement may be in a version between the two. */
function changeLine({ name, kind, breaks, what }: DefinitionChange, gone: readonly StaleDefinition[]): string {
  const went = kind === 'removed' ? gone.find((each) => each.name === name) : undefined;
  const [first = ''] = what.join(', ').split('\n');
  const about = went === undefined ? `${name}${first === '' ? '' : ` ${first}`}` : staleText(went);
  return `  ${breaks ? 'breaks code' : kind}: ${printable(about)}\n`;
}

function staleHint(namespace: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const accepted = names.map((name) => ` --accept ${name}`).join('');
  return `  code that asks for ${names.join(', ')} does not compile; once it is fixed: cachelane add ${namespace}${accepted}\n`;
}
