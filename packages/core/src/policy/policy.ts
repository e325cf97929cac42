import { CachelaneError } from '../base/errors.ts';
import { laneTrust, parseLane, type LaneName } from '../lanes/lane.ts';
import { parseVolumeName, type VolumeName } from '../names/volume.ts';
import { formatAmount, parseAmount, type AmountUnit } from './amount.ts';

/** Describes one policy key; {@link policyKeys} lists all. */
export type PolicyRule = AmountRule | ChoiceRule;

interface RuleFacts {
  /** The default, as a person would write it. */
  readonly standard: string;
  /** `store`: one value for the whole store, set only by its user; `namespace`: a value for each namespace. */
  readonly scope: 'store' | 'namespace';
  /** One clause of display text. */
  readonly meaning: string;
}

interface AmountRule extends RuleFacts {
  readonly unit: AmountUnit;
}

/** One of a few words. The value is the word's index, so a lower value allows less, as for amounts. */
interface ChoiceRule extends RuleFacts {
  readonly unit: 'choice';
  /** The strictest first. */
  readonly choices: readonly string[];
}

/** What happens to a volume whose name is in no catalog of its namespace or of those above it. */
export const catalogNameChoices = ['refuse', 'warn', 'any'] as const;
export type CatalogNames = (typeof catalogNameChoices)[number];

export const policyKeys = [
  'keep-run',
  'keep-pr',
  'keep-branch',
  'keep-default',
  'keep-release',
  'keep-gone',
  'history',
  'history-generations',
  'volume-size',
  'volume-budget',
  'namespace-size',
  'catalog-names',
  'store-size',
  'free-space',
  't0-lane-share',
  't0-share',
  't1-share',
  'floor',
] as const;
export type PolicyKey = (typeof policyKeys)[number];

/** The budget of all volumes with one name. It overrides the general budget of the same source. */
export type VolumeBudgetKey = `volume-budget:${string}`;
/** The keys that a source may set. */
export type StatedKey = PolicyKey | VolumeBudgetKey;

/** Each key can be set for all, or for a namespace and those below it. */
export const policyRules: Readonly<Record<PolicyKey, PolicyRule>> = {
  'keep-run': {
    unit: 'time',
    standard: '0',
    scope: 'namespace',
    meaning: 'lanes of untrusted runs (T0)',
  },
  'keep-pr': { unit: 'time', standard: '3d', scope: 'namespace', meaning: 'lanes of pull requests' },
  'keep-branch': {
    unit: 'time',
    standard: '14d',
    scope: 'namespace',
    meaning: 'lanes of branches, tags and merge queues',
  },
  'keep-default': {
    unit: 'time',
    standard: '30d',
    scope: 'namespace',
    meaning: 'lanes of default and protected branches, machines and users',
  },
  'keep-release': { unit: 'time', standard: 'none', scope: 'namespace', meaning: 'lanes of releases' },
  'keep-gone': {
    unit: 'time',
    standard: '7d',
    scope: 'namespace',
    meaning: 'local/… and file/… volumes whose directory no longer exists',
  },
  history: { unit: 'time', standard: '14d', scope: 'namespace', meaning: 'earlier states of a head' },
  'history-generations': { unit: 'count', standard: '20', scope: 'namespace', meaning: 'number of earlier states' },
  'volume-size': { unit: 'size', standard: 'none', scope: 'namespace', meaning: 'what one run may add to a volume' },
  'volume-budget': {
    unit: 'size',
    standard: 'none',
    scope: 'namespace',
    meaning: 'what a volume holds on one lane; volume-budget:NAME for the volumes of one name',
  },
  'namespace-size': { unit: 'size', standard: 'none', scope: 'namespace', meaning: 'all layers of a namespace' },
  'catalog-names': {
    unit: 'choice',
    choices: catalogNameChoices,
    standard: 'any',
    scope: 'namespace',
    meaning: 'volumes that no catalog of the namespace or above offers',
  },
  'store-size': { unit: 'size', standard: 'none', scope: 'store', meaning: 'all layers of the store' },
  'free-space': {
    unit: 'size',
    standard: '1GiB',
    scope: 'store',
    meaning: 'space left free on the file system of the store',
  },
  't0-lane-share': {
    unit: 'percent',
    standard: '5%',
    scope: 'store',
    meaning: 'the share of each T0 lane in the store, at most 1 GiB',
  },
  't0-share': { unit: 'percent', standard: '10%', scope: 'store', meaning: 'all T0 lanes together' },
  't1-share': {
    unit: 'percent',
    standard: '30%',
    scope: 'store',
    meaning: 'all T1 lanes, if the store has higher ones',
  },
  floor: {
    unit: 'time',
    standard: '7d',
    scope: 'store',
    meaning: 'default, protected and release lanes used within this time are never deleted',
  },
};

/** Milliseconds, bytes, a count, percent or a choice's index, by the rule's unit; Infinity: no limit. */
export interface PolicyValue {
  readonly value: number;
  /** For people: `default`, `cachelane.yaml:7`, `cachelane ns policy github.com/acme`. */
  readonly source: string;
}

export type Policy = Readonly<Record<PolicyKey, PolicyValue>>;

/** The values that one source sets. */
export type StatedPolicy = Readonly<Partial<Record<StatedKey, PolicyValue>>>;

/** The values as text, as in a file or the store. */
export type PolicyTexts = Readonly<Partial<Record<StatedKey, string>>>;

export function isStatedKey(text: string): text is StatedKey {
  return Object.hasOwn(policyRules, text) || volumeOf(text) !== null;
}

/** Returns the volume of a budget key; null for other text. */
export function volumeOf(key: string): VolumeName | null {
  const [, name] = /^volume-budget:(.+)$/.exec(key) ?? [];
  if (name === undefined) return null;
  try {
    return parseVolumeName(name);
  } catch {
    return null;
  }
}

export function volumeBudgetKey(name: VolumeName): VolumeBudgetKey {
  return `volume-budget:${name}`;
}

export function policyRuleOf(key: StatedKey): PolicyRule {
  return policyRules[isPolicyKey(key) ? key : 'volume-budget'];
}

function isPolicyKey(key: StatedKey): key is PolicyKey {
  return Object.hasOwn(policyRules, key);
}

/** Returns the value of the key's kind, or undefined for other text. For `free-space`, `none` means 0. */
function valueOf(key: StatedKey, text: string): number | undefined {
  const rule = policyRuleOf(key);
  if (rule.unit === 'choice') {
    const place = rule.choices.indexOf(text);
    return place < 0 ? undefined : place;
  }
  const value = parseAmount(rule.unit, text);
  return key === 'free-space' && value === Number.POSITIVE_INFINITY ? 0 : value;
}

const examples = { time: '12h, 30d or none', size: '500MB, 10GiB or none', count: '20', percent: '30%' } as const;
const hints = {
  time: 'use m for minutes, h for hours, d for days',
  size: 'use B, kB, MB, GB, TB, KiB, MiB, GiB or TiB',
  count: 'use a whole number',
  percent: 'use a whole number up to 100%',
} as const;

/** Parses a value. Throws E_USAGE for text of another kind. */
export function parsePolicyValue(key: StatedKey, text: string): number {
  const rule = policyRuleOf(key);
  const value = valueOf(key, text);
  if (value !== undefined) return value;
  const right = rule.unit === 'choice' ? `one of ${rule.choices.join(', ')}` : `like ${examples[rule.unit]}`;
  const hint = rule.unit === 'choice' ? {} : { hint: hints[rule.unit] };
  throw new CachelaneError('E_USAGE', `${key} must be ${right}, not ${JSON.stringify(text.slice(0, 100))}`, hint);
}

export function formatPolicyValue(key: StatedKey, value: number): string {
  const rule = policyRuleOf(key);
  return rule.unit === 'choice' ? (rule.choices[value] ?? rule.standard) : formatAmount(rule.unit, value);
}

export function catalogNamesOf(policy: Policy): CatalogNames {
  return catalogNameChoices[policy['catalog-names'].value] ?? 'any';
}

export const defaultPolicy: Policy = Object.fromEntries(
  policyKeys.map((key) => [key, { value: parsePolicyValue(key, policyRules[key].standard), source: 'default' }]),
) as unknown as Policy;

export interface PolicySources {
  /** The user's own configuration. */
  readonly user: StatedPolicy;
  /** Stored policies of the namespace and those above it, nearest first. */
  readonly stored: readonly StatedPolicy[];
  /** The repository file's policy on this lane. It can only lower values. */
  readonly repository: StatedPolicy;
  /** The volume whose budget counts; null or absent: the general budget. */
  readonly volume?: VolumeName | null;
}

/**
 * Returns the values in effect with their sources: the nearest of store, user and default, lowered by the repository.
 */
export function resolvePolicy({ volume = null, ...sources }: PolicySources): Policy {
  const about = (stated: StatedPolicy): StatedPolicy => {
    const own = volume === null ? undefined : stated[volumeBudgetKey(volume)];
    return own === undefined ? stated : { ...stated, 'volume-budget': own };
  };
  const user = about(sources.user);
  const stored = sources.stored.map(about);
  const repository = about(sources.repository);
  const resolve = (key: PolicyKey): PolicyValue => {
    const stated = [...stored, user].find((each) => each[key] !== undefined)?.[key] ?? defaultPolicy[key];
    const lower = policyRules[key].scope === 'namespace' ? repository[key] : undefined;
    return lower !== undefined && lower.value < stated.value ? lower : stated;
  };
  return Object.fromEntries(policyKeys.map((key) => [key, resolve(key)])) as unknown as Policy;
}

/** Parses texts that were checked when written. Ignores unknown keys and values of later versions. */
export function statedPolicy(texts: Readonly<Record<string, string | undefined>>, source: string): StatedPolicy {
  const stated: Partial<Record<StatedKey, PolicyValue>> = {};
  for (const [key, text] of Object.entries(texts)) {
    if (!isStatedKey(key) || text === undefined) continue;
    const value = valueOf(key, text);
    if (value !== undefined) stated[key] = { value, source };
  }
  return stated;
}

export type LifetimeKey = 'keep-run' | 'keep-pr' | 'keep-branch' | 'keep-default' | 'keep-release';

/** Usual default branches, for stores that do not know the default branch. */
const usualDefaults = new Set(['main', 'master']);

/** Returns the lifetime key of a lane. `defaultLane` is the lane of the default branch, if known. */
export function lifetimeOf(lane: LaneName, defaultLane: LaneName | null): LifetimeKey {
  const { kind, ref } = parseLane(lane);
  const trust = laneTrust(lane);
  if (trust === 'T0') return 'keep-run';
  if (trust === 'T3') return 'keep-release';
  if (trust === 'T2' || kind === 'local' || kind === 'user' || lane === defaultLane) return 'keep-default';
  if (kind === 'pr') return 'keep-pr';
  return kind === 'ref' && defaultLane === null && usualDefaults.has(ref) ? 'keep-default' : 'keep-branch';
}
