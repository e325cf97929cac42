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
  /** Of a line, for people. */
  readonly sourceOf: (line: number) => string;
  /** What the file may not say. */
  readonly refuses: (key: StatedKey) => string | null;
  /** Keys that mean something else than a lifetime or a size; whoever gives them is asked first. */
  readonly others: (field: Field) => boolean;
}

/** The mapping behind `policy:`. */
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

/** Whoever changes a repository may let its own caches go sooner, and says nothing about anybody else's. */
export function refusesStoreKeys(key: StatedKey): string | null {
  if (policyRuleOf(key).scope === 'namespace') return null;
  return `${key} is about the whole store, and not for a file in the repository to choose; put it into your own cachelane/config.yaml below ~/.config`;
}
