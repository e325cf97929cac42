import {
  isStatedKey,
  parsePolicyValue,
  policyKeys,
  policyRuleOf,
  type PolicyValue,
  type StatedKey,
  type StatedPolicy,
} from '@cachelane/core';
import { fields, guarded, problem, readText, unknownKey, type Field, type Reader } from './yaml-reader.ts';

export interface PolicyReading {
  /** Returns the source of a line, for messages. */
  readonly sourceOf: (line: number) => string;
  /** Returns why the file may not set a key, or null. */
  readonly refuses: (key: StatedKey) => string | null;
  /** Reads keys that are no lifetime or size; returns whether it did. */
  readonly others: (field: Field) => boolean;
}

/** Reads the mapping of `policy:`. */
export function readPolicy(reader: Reader, field: Field, reading: PolicyReading): StatedPolicy {
  const stated: Partial<Record<StatedKey, PolicyValue>> = {};
  for (const part of fields(reader, field.value, field.key)) {
    if (reading.others(part)) continue;
    if (!isStatedKey(part.key)) {
      unknownKey(reader, part, policyKeys);
      continue;
    }
    const { key } = part;
    const refusal = reading.refuses(key);
    const text = readText(reader, part.value, part.at, key);
    if (refusal !== null) problem(reader, part.at, refusal);
    if (refusal !== null || text === null) continue;
    const value = guarded(reader, text, (each) => parsePolicyValue(key, each));
    if (value !== null) stated[key] = { value: value.value, source: reading.sourceOf(value.line) };
  }
  return stated;
}

/** A repository may shorten the lifetimes of its own caches only. */
export function refusesStoreKeys(key: StatedKey): string | null {
  if (policyRuleOf(key).scope === 'namespace') return null;
  return `${key} applies to the whole store and cannot be set in the repository; put it into ~/.config/cachelane/config.yaml`;
}
