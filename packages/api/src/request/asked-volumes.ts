import type { Namespace } from '@cachelane/core';
import { LastUsed } from './last-used.ts';
import { isoTime } from '../values/iso-time.ts';

/** Request attributes that do not identify a volume. */
const attributes = ['sharing', 'owner', 'source'] as const;
type Attribute = (typeof attributes)[number];

/** The attributes of a request; null: not given. */
export type AskedAttributes = Readonly<Record<Attribute, string | null>>;

/** The client that asks. */
interface Asker {
  /** The same symbol for all requests of one client. */
  readonly client: symbol;
  /** The namespace of its project. */
  readonly namespace: Namespace;
  readonly atMs: number;
}

interface Said extends Asker {
  readonly value: string;
  /** The previous, different value. */
  readonly before: Said | null;
}

/** What the asker may learn about requests of others. */
interface Discretion {
  /** If false, the asker does not learn that the request exists. */
  readonly mayKnow: (namespace: Namespace) => boolean;
  /** Whether messages may name directories of the machine and volumes of other projects. */
  readonly mayNameSources: boolean;
}

/** Number of volumes remembered, most recent first. */
const remembered = 10_000;

/**
 * The latest requested attributes of each volume. Attributes do not identify a volume, so different requests share it
 * and are warned.
 */
export class AskedVolumes {
  private readonly last = new LastUsed<string, Partial<Record<Attribute, Said>>>(remembered);

  /**
   * Records a request and returns warnings about different requests of others. Repeating a request returns the same
   * warnings.
   */
  note(volume: string, asked: AskedAttributes, { asker, discretion }: Noting): readonly string[] {
    const said = this.last.get(volume) ?? {};
    const next: Partial<Record<Attribute, Said>> = { ...said };
    const warnings: string[] = [];
    for (const attribute of attributes) {
      const value = asked[attribute];
      if (value === null) continue;
      const known = said[attribute];
      const before = known?.value === value ? (known.client === asker.client ? known.before : null) : (known ?? null);
      next[attribute] = { ...asker, value, before: before === null ? null : { ...before, before: null } };
      if (before !== null && discretion.mayKnow(before.namespace))
        warnings.push(warningOf(attribute, { before, value }, discretion));
    }
    if (Object.keys(next).length > 0) this.last.set(volume, next);
    return warnings;
  }
}

interface Noting {
  readonly asker: Asker;
  readonly discretion: Discretion;
}

const meanings: Readonly<Record<Attribute, string>> = {
  sharing: 'runs of both requests use it at once',
  owner: 'each request sees its own owner, but the files are the same',
  source: 'both requests see the saved files on top of their own source',
};

function warningOf(
  attribute: Attribute,
  { before, value }: { readonly before: Said; readonly value: string },
  { mayNameSources }: Discretion,
): string {
  const isTold = attribute !== 'source' || mayNameSources;
  const earlier = isTold ? `with ${attribute} ${before.value}` : `with another ${attribute}`;
  const first = `${before.namespace} requested it ${earlier} at ${isoTime(before.atMs)}`;
  return `${first}, and this request has ${attribute} ${value}: it is the same volume, and ${meanings[attribute]}`;
}
