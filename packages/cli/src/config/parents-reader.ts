import { limits, parseNamespace, type Namespace } from '@cachelane/core';
import { isSeq, type Node } from 'yaml';
import type { Located } from './config-types.ts';
import { follow, guarded, problem, readText, type Field, type Reader } from './yaml-reader.ts';

export function readNamespace(reader: Reader, node: Node | null, at: number): Located<Namespace> | null {
  const text = readText(reader, node, at, 'a namespace');
  if (text === null) return null;
  return guarded(reader, text, (namespace) => parseNamespace(namespace));
}

/** Returns null if the value is not a list. */
export function readParents(reader: Reader, field: Field): readonly Located<Namespace>[] | null {
  if (!isSeq(field.value)) {
    problem(reader, field.at, `${field.key} must be a list of namespaces`);
    return null;
  }
  if (field.value.items.length > limits.namespaceParents) {
    problem(reader, field.at, `${field.value.items.length} parents exceed the limit of ${limits.namespaceParents}`);
  }
  return field.value.items.flatMap((item) => {
    const parent = readNamespace(reader, follow(reader, item as Node), field.at);
    return parent === null ? [] : [parent];
  });
}
