import {
  type Policy,
  type PolicyKey,
  type PolicyValue,
  formatPolicyValue,
  policyKeys,
  policyRules,
} from '@cachelane/core';

export function policyJson(policy: Policy): object {
  return Object.fromEntries(
    policyKeys.map((key) => {
      return [key, valueJson(key, policy[key])];
    }),
  );
}

export function valueJson(key: PolicyKey, { value, source }: PolicyValue): object {
  const { unit } = policyRules[key];
  if (unit === 'choice') return { value: formatPolicyValue(key, value), unit, source };
  // JSON has no infinity.
  return { value: Number.isFinite(value) ? value : null, unit: jsonUnits[unit], source };
}

const jsonUnits = { time: 'ms', size: 'bytes', count: 'count', percent: 'percent' } as const;
