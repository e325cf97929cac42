import { parseNamespace, requireAlias } from '@cachelane/core';
import type { CatalogAlias } from './config-types.ts';
import { fields, guarded, lineOf, readText, type Field, type Reader } from './yaml-reader.ts';

/** Reads the mapping of `catalogs:`. */
export function readCatalogAliases(reader: Reader, field: Field): readonly CatalogAlias[] {
  return fields(reader, field.value, field.key).flatMap((part) => {
    const alias = guarded(reader, { value: part.key, line: lineOf(reader, part.at), at: part.at }, requireAlias);
    const text = readText(reader, part.value, part.at, 'a namespace');
    const namespace = text === null ? null : guarded(reader, text, (each) => parseNamespace(each));
    return alias === null || namespace === null ? [] : [{ alias: alias.value, namespace }];
  });
}
