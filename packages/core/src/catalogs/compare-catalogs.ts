import { compatKey } from '../names/volume.ts';
import type { CatalogContent, VolumeDefinition } from './definition.ts';

/** A change of a definition. `breaks`: code for the older version fails or finds another volume. */
export interface DefinitionChange {
  readonly name: string;
  readonly kind: 'added' | 'removed' | 'changed' | 'deprecated';
  readonly breaks: boolean;
  /** Whether the older version already was deprecated. */
  readonly wasAnnounced: boolean;
  /** One clause of display text for each change: `key pip -> pip3`. */
  readonly what: readonly string[];
}

/** Returns the changes in the order of the names. */
export function compareCatalogs(before: CatalogContent, after: CatalogContent): readonly DefinitionChange[] {
  const older = new Map(before.definitions.map((each) => [each.name, each]));
  const newer = new Map(after.definitions.map((each) => [each.name, each]));
  const names = [...new Set([...older.keys(), ...newer.keys()])].toSorted();
  return names.flatMap((name) => {
    const change = changeOf(name, older.get(name), newer.get(name));
    return change === null ? [] : [change];
  });
}

function changeOf(
  name: string,
  before: VolumeDefinition | undefined,
  after: VolumeDefinition | undefined,
): DefinitionChange | null {
  if (after === undefined) {
    const why = before?.deprecated ?? null;
    return { name, kind: 'removed', breaks: true, wasAnnounced: why !== null, what: why === null ? [] : [why] };
  }
  if (before === undefined) {
    return { name, kind: 'added', breaks: false, wasAnnounced: false, what: after.docs === '' ? [] : [after.docs] };
  }
  const identity = differing(before, after, {
    key: ({ key }) => key,
    tier: ({ tier }) => tier,
    compat: ({ compat }) => compatKey(compat),
    tool: ({ tool }) => tool,
  });
  const others = differing(before, after, {
    sharing: ({ sharing }) => sharing ?? 'the default of the tool',
    docs: ({ docs }) => docs,
    deprecated: ({ deprecated }) => deprecated ?? '',
  });
  const what = [...identity, ...others];
  if (what.length === 0) return null;
  const isDeprecation = before.deprecated === null && after.deprecated !== null && what.length === 1;
  const kind = isDeprecation ? 'deprecated' : 'changed';
  return { name, kind, breaks: identity.length > 0, wasAnnounced: before.deprecated !== null, what };
}

function differing(
  before: VolumeDefinition,
  after: VolumeDefinition,
  fields: Readonly<Record<string, (definition: VolumeDefinition) => string>>,
): readonly string[] {
  return Object.entries(fields).flatMap(([field, textOf]) => {
    const [older, newer] = [textOf(before), textOf(after)];
    return older === newer ? [] : [`${field} ${shown(older)} -> ${shown(newer)}`];
  });
}

const shownLength = 80;

/** Returns the beginning of a long text. */
function shown(text: string): string {
  const [first = '', ...more] = text.split('\n');
  const isWhole = more.length === 0 && first.length <= shownLength;
  return text === '' ? 'none' : isWhole ? first : `${first.slice(0, shownLength).trimEnd()}…`;
}
