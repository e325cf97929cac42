import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { didYouMean } from '../names/suggest.ts';
import { canonicalCompat, parseVolumeName, type Compat, type VolumeName } from '../names/volume.ts';
import { sharingModes } from '../ports/mounter.ts';
import { unknownToolName } from '../ports/tool.ts';
import { definitionTiers, type CatalogContent, type VolumeDefinition } from './definition.ts';
import { isFreeMethodName, methodName } from './method-name.ts';

export interface CatalogReading {
  /** The name of the input in messages: `cachelane.catalog.yaml`. */
  readonly source: string;
  /**
   * The known tools. Null for published catalogs, which a later version may have written: every tool name is valid,
   * and unknown keys are ignored.
   */
  readonly tools: ReadonlySet<string> | null;
}

const problemsShown = 5;
const definitionKeys = ['tool', 'key', 'tier', 'sharing', 'compat', 'docs', 'deprecated'];

/**
 * Reads a catalog from code or YAML: `{ docs, volumes: { NAME: { tool, key, tier, sharing, compat, docs, deprecated }
 * } }`. Throws E_CATALOG with all problems and their places, and E_LIMIT for too many definitions.
 */
export function readCatalog(value: unknown, { source, tools }: CatalogReading): CatalogContent {
  const problems: string[] = [];
  const report = (place: string, why: string): void => void problems.push(`${place} ${why}`);
  const root = recordIn(value) ?? refuse(source, ['it must be a mapping with volumes']);
  for (const key of tools === null ? [] : Object.keys(root))
    if (key !== 'docs' && key !== 'volumes') report(key, 'is not a key of a catalog');
  const volumes = recordIn(root['volumes']) ?? refuse(source, ['volumes must be a mapping of names to definitions']);
  const named = Object.entries(volumes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (named.length > limits.catalogDefinitions) {
    throw new CachelaneError(
      'E_LIMIT',
      `${source} has ${named.length} definitions, at most ${limits.catalogDefinitions}`,
    );
  }
  const definitions = named.map(([name, given]) => readDefinition({ name, given, tools, report }));
  reportCollisions(definitions, report);
  const docs = textIn({ value: root['docs'], place: 'docs', report }) ?? '';
  return problems.length === 0 ? { docs, definitions } : refuse(source, problems);
}

function refuse(source: string, problems: readonly string[]): never {
  const more = problems.length - problemsShown;
  const shown = problems.slice(0, problemsShown).join('; ');
  throw new CachelaneError('E_CATALOG', `${source}: ${shown}${more > 0 ? `; and ${more} more` : ''}`, {
    hint: `fix it and publish again; nothing was changed${problems.some(isOfTool) ? toolHint : ''}`,
  });
}

const noTool = 'is not a tool that cachelane knows';
const isOfTool = (problem: string): boolean => problem.includes(noTool);
const toolHint = `. cachelane tools lists the tools; use tool: ${unknownToolName} for other directories`;

type Report = (place: string, why: string) => void;

interface Given {
  readonly name: string;
  readonly given: unknown;
  readonly tools: ReadonlySet<string> | null;
  readonly report: Report;
}

function readDefinition({ name, given, tools, report }: Given): VolumeDefinition {
  const place = `volumes.${name}`;
  const parts = recordIn(given ?? {}) ?? {};
  if (recordIn(given ?? {}) === null) report(place, 'must be a mapping');
  for (const key of tools === null ? [] : Object.keys(parts))
    if (!definitionKeys.includes(key)) report(`${place}.${key}`, 'is not a key of a definition');
  if (!hasNameForm(name)) {
    report(
      place,
      `is not a valid name: use a letter, then letters, digits and . _ -, at most ${limits.catalogNameBytes}`,
    );
  } else if (!isFreeMethodName(methodName(name))) {
    report(place, `would be the method ${methodName(name)}, which generated clients already have`);
  }
  const text = (key: string): string | null => textIn({ value: parts[key], place: `${place}.${key}`, report });
  const choice = <T extends string>(key: string, choices: readonly T[]): T | null =>
    choiceIn({ value: parts[key], place: `${place}.${key}`, choices, report });
  const tool = text('tool') ?? name;
  if (tools?.has(tool) === false)
    report(`${place}.tool`, `${JSON.stringify(tool)} ${noTool}${didYouMean(tool, tools)}`);
  return {
    name,
    tool,
    key: checked<VolumeName>(() => parseVolumeName(text('key') ?? name), {
      place: `${place}.key`,
      report,
      otherwise: 'x' as VolumeName,
    }),
    tier: choice('tier', definitionTiers) ?? 'project',
    sharing: choice('sharing', sharingModes),
    compat: checked<Compat>(() => canonicalCompat(compatIn(parts['compat'])), {
      place: `${place}.compat`,
      report,
      otherwise: {},
    }),
    docs: text('docs') ?? '',
    deprecated: text('deprecated'),
  };
}

function hasNameForm(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9._-]*$/.test(name) && name.length <= limits.catalogNameBytes;
}

export function isDefinitionName(name: string): boolean {
  return hasNameForm(name) && isFreeMethodName(methodName(name));
}

/** Reports definitions with the same method name. */
function reportCollisions(definitions: readonly VolumeDefinition[], report: Report): void {
  const first = new Map<string, string>();
  for (const { name } of definitions) {
    const method = methodName(name);
    const other = first.get(method);
    if (other !== undefined && method !== '')
      report(`volumes.${name}`, `and volumes.${other} would both be the method ${method}`);
    else first.set(method, name);
  }
}

interface Checked<T> {
  readonly place: string;
  readonly report: Report;
  /** The value to use while looking for further problems. */
  readonly otherwise: T;
}

function checked<T>(read: () => T, { place, report, otherwise }: Checked<T>): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CachelaneError)) throw error;
    report(place, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    return otherwise;
  }
}

interface Part {
  readonly value: unknown;
  readonly place: string;
  readonly report: Report;
}

function textIn({ value, place, report }: Part): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' || value === '') report(place, 'must be text');
  else if (!value.isWellFormed() || hasControls(value)) report(place, 'has control characters');
  else if (value.length > limits.catalogTextLength)
    report(place, `is longer than ${limits.catalogTextLength} characters`);
  else return value;
  return null;
}

/** Returns whether the value is a valid text for a lock, which includes text around a catalog's own. */
export function isWhyText(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || hasControls(value)) return false;
  return value.length <= limits.catalogWhyLength;
}

/** Line breaks are valid, for paragraphs. */
function hasControls(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- texts are printed, and become comments of generated code
  return /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/.test(text);
}

function choiceIn<T extends string>({
  value,
  place,
  choices,
  report,
}: Part & { readonly choices: readonly T[] }): T | null {
  if (value === undefined || value === null) return null;
  const chosen = choices.find((each) => typeof value === 'string' && each.toLowerCase() === value.toLowerCase());
  if (chosen === undefined) report(place, `must be one of ${choices.join(', ')}`);
  return chosen ?? null;
}

/** Checks compat fields, all of which must be texts. Errors: E_CATALOG. */
function compatIn(value: unknown): Readonly<Record<string, string>> {
  const fields = recordIn(value ?? {});
  const isText = fields !== null && Object.values(fields).every((field) => typeof field === 'string');
  if (isText) return fields as Readonly<Record<string, string>>;
  throw new CachelaneError('E_CATALOG', 'must map names to texts', { hint: 'put numbers into quotes' });
}

/** Returns the value if it is an object and no array, otherwise null. */
export function recordIn(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}
