import type { DefinitionChange, VolumeDefinition } from '@cachelane/core';
import type { OfferedCatalog } from '@cachelane/engine';
import { compatText } from '../context/find-volume.ts';
import { formatTable, printable } from '../base/format.ts';
import { isoTime } from '../host/print.ts';

export function changeLines(changes: readonly DefinitionChange[]): string {
  return changes
    .map(({ name, kind, breaks, wasAnnounced, what }) => {
      const marks = breaks ? (wasAnnounced ? ', breaks code as announced' : ', breaks') : '';
      const told = what.length === 0 ? '' : `: ${printable(what.join('; '))}`;
      return `  ${name} ${kind}${marks}${told}\n`;
    })
    .join('');
}

export function definitionTable(definitions: readonly VolumeDefinition[]): string {
  return formatTable(
    [{ title: 'NAME' }, { title: 'TOOL' }, { title: 'KEY' }, { title: 'TIER' }, { title: 'COMPAT' }, { title: 'FOR' }],
    definitions.map(({ name, tool, key, tier, compat, docs, deprecated }) => [
      name,
      tool,
      key,
      tier,
      compatText(compat),
      deprecated === null ? firstLine(docs) : `deprecated: ${firstLine(deprecated)}`,
    ]),
  );
}

export function firstLine(text: string): string {
  return printable(text.split('\n')[0] ?? '');
}

export function catalogJson(catalog: OfferedCatalog): object {
  const { namespace, version, digest, publishedAtMs, by, byLock, docs, definitions } = catalog;
  const isInStore = byLock !== 'alone';
  const published = { publishedAt: isInStore ? isoTime(publishedAtMs) : null, publishedBy: isInStore ? by : null };
  return { namespace, version, digest, ...published, isInStore, docs, definitions };
}
