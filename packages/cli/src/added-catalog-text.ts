import type { DefinitionChange } from '@cachelane/core';
import type { AddedCatalog, CatalogStep } from '@cachelane/engine';
import { plural, printable } from './format.ts';

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
  if (changed.length === 0) return `${file} has no catalogs: cachelane add NAMESPACE locks one\n`;
  return changed.map((step) => stepText(step, dryRun)).join('');
}

function stepText(step: CatalogStep, dryRun: boolean): string {
  const { before, after, changes } = step;
  const { alias, namespace, version } = after;
  const stale = [...after.gone, ...after.changed].map(({ name }) => name);
  if (before !== null && before.version === version && before.digest === after.digest && changes.length === 0) {
    return `${alias}: ${namespace} stays at version ${version}\n${staleHint(namespace, stale)}`;
  }
  const from = before === null ? '' : `, from version ${before.version}`;
  const verb = dryRun ? 'would be locked' : 'is locked';
  return [
    `${alias}: ${namespace} ${verb} at version ${version}${from}\n`,
    ...(before === null ? [`  ${plural(after.content.definitions.length, 'volume')}\n`] : changes.map(changeLine)),
    staleHint(namespace, stale),
  ].join('');
}

function changeLine({ name, kind, breaks, what }: DefinitionChange): string {
  const [first = ''] = what.join(', ').split('\n');
  const about = kind === 'removed' ? `is gone${first === '' ? '' : `: ${first}`}` : first;
  return `  ${breaks ? 'breaks code' : kind}: ${name}${about === '' ? '' : ` ${printable(about)}`}\n`;
}

function staleHint(namespace: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  return `  code that asks for ${names.join(', ')} does not compile; once that is right: cachelane add ${namespace} --accept NAME\n`;
}
