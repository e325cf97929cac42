import type { Namespace } from '@cachelane/core';
import { LastUsed } from './last-used.ts';
import { isoTime } from '../values/iso-time.ts';

/** What a request for a volume may say beyond what the volume is. */
const attributes = ['sharing', 'owner', 'source'] as const;
type Attribute = (typeof attributes)[number];

/** What somebody asked a volume to be, for people; null: that was not said. */
export type AskedAttributes = Readonly<Record<Attribute, string | null>>;

/** Whose request it is. */
interface Asker {
  /** The same one for all requests of one client. */
  readonly client: symbol;
  /** The project that it is at work in. */
  readonly namespace: Namespace;
  readonly atMs: number;
}

interface Said extends Asker {
  readonly value: string;
  /** What was said before, and otherwise. */
  readonly before: Said | null;
}

/** How much of another one's request may be told. */
interface Discretion {
  /** Of a request of one whom the asker may not know of nothing is told, not even that there was one. */
  readonly mayKnow: (namespace: Namespace) => boolean;
  /** Whether directories of the machine, and volumes of any project, may be named. */
  readonly mayNameSources: boolean;
}

/** How many volumes are remembered: those that were asked for last. */
const remembered = 10_000;

/**
 * What was last asked of each volume on this engine. Attributes are no part of what a volume is, so two requests with different ones get the same volume, and have to
 * be told of each other.
 */
export class AskedVolumes {
  private readonly last = new LastUsed<string, Partial<Record<Attribute, Said>>>(remembered);

  /** Sentences for whoever asks; the same again when the same client repeats itself. A request that says nothing contradicts nobody. */
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
  sharing: 'runs of both are at work in it at once',
  owner: 'each is told its own, and the files in it are the same',
  source: 'what was saved in it is found above either',
};

function warningOf(
  attribute: Attribute,
  { before, value }: { readonly before: Said; readonly value: string },
  { mayNameSources }: Discretion,
): string {
  const isTold = attribute !== 'source' || mayNameSources;
  const earlier = isTold ? `with ${attribute} ${before.value}` : `with another ${attribute}`;
  const first = `it was asked for ${earlier} by ${before.namespace} at ${isoTime(before.atMs)}`;
  return `${first}, and with ${attribute} ${value} now: it is the same volume, and ${meanings[attribute]}`;
}
