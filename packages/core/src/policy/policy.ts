import { CachelaneError } from '../base/errors.ts';
import { laneTrust, parseLane, type LaneName } from '../lanes/lane.ts';
import { parseVolumeName, type VolumeName } from '../names/volume.ts';
import { formatAmount, parseAmount, type AmountUnit } from './amount.ts';

/** What one line of a policy is about: {@link policyKeys} has all of them. */
export type PolicyRule = AmountRule | ChoiceRule;

interface RuleFacts {
  /** As a person would write it. */
  readonly standard: string;
  /** `store`: of the whole store, so that only the person whose store it is may say it; `namespace`: of each namespace by itself. */
  readonly scope: 'store' | 'namespace';
  /** One clause for people. */
  readonly meaning: string;
}

interface AmountRule extends RuleFacts {
  readonly unit: AmountUnit;
}

/** One of a few words. Its value is the place of the word, so that what is lower allows less, as an amount does. */
interface ChoiceRule extends RuleFacts {
  readonly unit: 'choice';
  /** The one that allows least first. */
  readonly choices: readonly string[];
}

/** What becomes of a volume whose name is in no catalog of its namespace, or of those above it. */
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

/** The budget of the volumes of one name; where it is said, it counts before what the same source says of all volumes. */
export type VolumeBudgetKey = `volume-budget:${string}`;
/** What a source may say. */
export type StatedKey = PolicyKey | VolumeBudgetKey;

/** Each can be said for all, or for a namespace and those below it. */
export const policyRules: Readonly<Record<PolicyKey, PolicyRule>> = {
  'keep-run': {
    unit: 'time',
    standard: '0',
    scope: 'namespace',
    meaning: 'lanes of runs that nobody vouches for (T0)',
  },
  'keep-pr': { unit: 'time', standard: '3d', scope: 'namespace', meaning: 'lanes of pull requests' },
  'keep-branch': { unit: 'time', standard: '14d', scope: 'namespace', meaning: 'lanes of branches and tags' },
  'keep-default': {
    unit: 'time',
    standard: '30d',
    scope: 'namespace',
    meaning: 'lanes of default and protected branches, and of a machine or person of their own',
  },
  'keep-release': { unit: 'time', standard: 'none', scope: 'namespace', meaning: 'lanes of releases' },
  'keep-gone': {
    unit: 'time',
    standard: '7d',
    scope: 'namespace',
    meaning: 'volumes of local/… and file/… whose directory is gone',
  },
  history: { unit: 'time', standard: '14d', scope: 'namespace', meaning: 'earlier states of a head' },
  'history-generations': { unit: 'count', standard: '20', scope: 'namespace', meaning: 'how many earlier states' },
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
    meaning: 'volumes whose name is in no catalog of the namespace, or of those above it',
  },
  'store-size': { unit: 'size', standard: 'none', scope: 'store', meaning: 'all layers of the store' },
  'free-space': { unit: 'size', standard: '1GiB', scope: 'store', meaning: 'what stays free where the store lies' },
  't0-lane-share': {
    unit: 'percent',
    standard: '5%',
    scope: 'store',
    meaning: 'each lane of T0, of what the store may take; never more than 1 GiB',
  },
  't0-share': { unit: 'percent', standard: '10%', scope: 'store', meaning: 'all lanes of T0 together' },
  't1-share': {
    unit: 'percent',
    standard: '30%',
    scope: 'store',
    meaning: 'all lanes of T1, where the store has higher ones',
  },
  floor: {
    unit: 'time',
    standard: '7d',
    scope: 'store',
    meaning: 'a default, protected or release lane that was used since then stays, whatever else says',
  },
};

/** Milliseconds, bytes, a count or percent, or the place of a choice, by the rule's unit; Infinity: no limit. */
export interface PolicyValue {
  readonly value: number;
  /** For people: `default`, `cachelane.yaml:7`, `cachelane ns policy github.com/acme`. */
  readonly source: string;
}

export type Policy = Readonly<Record<PolicyKey, PolicyValue>>;

/** What one source says; what it leaves out is as before. */
export type StatedPolicy = Readonly<Partial<Record<StatedKey, PolicyValue>>>;

/** Texts, as a file or the store has them. */
export type PolicyTexts = Readonly<Partial<Record<StatedKey, string>>>;

export function isStatedKey(text: string): text is StatedKey {
  return Object.hasOwn(policyRules, text) || volumeOf(text) !== null;
}

/** The volume that a key is about; null for one that is about all, and for what is no key. */
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

/** Of the key's kind; undefined for what is none of it. `none` is no limit: nothing has to stay free then. */
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

/** Throws E_USAGE for what is no value of the key's kind. */
export function parsePolicyValue(key: StatedKey, text: string): number {
  const rule = policyRuleOf(key);
  const value = valueOf(key, text);
  if (value !== undefined) return value;
  const right = rule.unit === 'choice' ? `one of ${rule.choices.join(', ')}` : `like ${examples[rule.unit]}`;
  throw new CachelaneError('E_USAGE', `${key} is ${right}, not ${JSON.stringify(text.slice(0, 100))}`);
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
  /** The person's own file. */
  readonly user: StatedPolicy;
  /** What the store has of the namespace and those above it, the nearest first. */
  readonly stored: readonly StatedPolicy[];
  /** What a file in the repository said on this lane: it lowers, and never raises. */
  readonly repository: StatedPolicy;
  /** Whose budget it is about; null or left out: that of volumes of which nothing special is said. */
  readonly volume?: VolumeName | null;
}

/** What holds, and who says so: the nearest of store, own file and default, and what the repository has below that. */
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

/** Texts that were checked when they were written; what a later version wrote and this one does not know says nothing. */
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

/** Branches that are the default one in most repositories, for stores to which nobody said which one it is. */
const usualDefaults = new Set(['main', 'master']);

/** Which lifetime a lane has. `defaultLane`: that of the namespace's default branch, where a run said so. */
export function lifetimeOf(lane: LaneName, defaultLane: LaneName | null): LifetimeKey {
  const { kind, ref } = parseLane(lane);
  const trust = laneTrust(lane);
  if (trust === 'T0') return 'keep-run';
  if (trust === 'T3') return 'keep-release';
  if (trust === 'T2' || kind === 'local' || kind === 'user' || lane === defaultLane) return 'keep-default';
  if (kind === 'pr') return 'keep-pr';
  return kind === 'ref' && defaultLane === null && usualDefaults.has(ref) ? 'keep-default' : 'keep-branch';
}
