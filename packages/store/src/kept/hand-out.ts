import { basename, dirname } from 'node:path';
import type { Survivor } from '@cachelane/core';
import { hasLinks, takeBackLinks } from '../links/kept-links.ts';
import { directoriesInUse } from './kept-processes.ts';
import type { KeptSlot, KeptSlots, SlotAccess } from '../slots/kept-slots.ts';
import { clockMsAt, readJson, writeWhole } from '../slots/slot-files.ts';

// Decides which of a lane's directories a run gets, and at which path. A process may outlive its run and keep writing
// to open files or to the path it knows. Its writes must not look like those of the next run.

export interface Wish {
  /**
   * Whether the run needs a known path, because its tool records where its cache is. Otherwise the path must be
   * new.
   */
  readonly samePath: boolean;
  /** Numbers of unusable directories. */
  readonly except: ReadonlySet<number>;
}

export interface HandedOut {
  readonly slot: KeptSlot;
  readonly number: number;
  /** How many directories exist besides this one. */
  readonly others: number;
  /** Processes because of which a directory was skipped. They still have access to it. */
  readonly passedOver: readonly Survivor[];
}

/** Numbers from here on are used once. Smaller numbers are reused. */
const onceFrom = 1_000_000;

/** Chooses a directory for a run. Call this under the guard. */
export function handOut(slots: KeptSlots, { files, bootId }: SlotAccess, { samePath, except }: Wish): HandedOut {
  const told = new ToldNumbers(slots, { files, bootId });
  const passedOver = new Map<number, Survivor>();
  const skipped = new Set(except);
  for (;;) {
    const number = numberFor(slots, { files, bootId }, { samePath, skipped, told });
    // After the rename no process can enter by path, so this finds all that are inside.
    const inUse = directoriesInUse(slots.dir);
    const inside = inUse.inside(number);
    for (const each of inside) passedOver.set(each.pid, each);
    const isTold = number < onceFrom && inUse.told(number).length > 0;
    if (isTold) told.add(number);
    if (inside.length > 0) skipped.add(number);
    if (isTold || inside.length > 0) continue;
    const others = slots.numbers().filter((each) => each !== number).length;
    return { slot: slots.slot(number), number, others, passedOver: [...passedOver.values()] };
  }
}

/** Returns whether no visible process can write there. */
export function isLeftByAll({ dir }: KeptSlot): boolean {
  const inUse = directoriesInUse(dirname(dir));
  const number = Number(basename(dir));
  return inUse.inside(number).length + inUse.told(number).length === 0;
}

interface Choosing {
  readonly samePath: boolean;
  readonly skipped: ReadonlySet<number>;
  readonly told: ToldNumbers;
}

/** Returns the number of an unused directory, moved to its path, or of a new one. */
function numberFor(slots: KeptSlots, { files }: SlotAccess, { samePath, skipped, told }: Choosing): number {
  const all = slots.numbers();
  const free = all.filter((number) => !skipped.has(number) && slots.slot(number).users().length === 0);
  const lasting = free.filter((number) => number < onceFrom && !told.has(number));
  const others = free.filter((number) => !lasting.includes(number));
  const [found] = samePath ? [...lasting, ...others] : [...others, ...lasting];
  if (samePath && found !== undefined && lasting.includes(found)) return found;
  const number = samePath ? lowest((each) => all.includes(each) || told.has(each)) : newNumber(slots, files);
  const slot = slots.slot(number);
  if (found === undefined) {
    slot.make();
  } else {
    const { tree, dir } = slots.slot(found);
    // The links lead to the old path.
    if (hasLinks(tree)) takeBackLinks(files, tree);
    files.rename(dir, slot.dir);
  }
  return number;
}

function lowest(isTaken: (number: number) => boolean): number {
  let number = 0;
  while (isTaken(number)) number += 1;
  return number;
}

/** Returns a number higher than all earlier ones, even if no directory is left to tell. */
function newNumber(slots: KeptSlots, files: SlotAccess['files']): number {
  return Math.max(Math.floor(clockMsAt(files, `${slots.dir}/clock`)), (slots.numbers().at(-1) ?? 0) + 1);
}

/** Reused paths that surviving processes may know. Processes do not survive a reboot. */
class ToldNumbers {
  readonly #file: string;
  readonly #access: SlotAccess;
  readonly #numbers: Set<number>;

  constructor({ dir }: KeptSlots, access: SlotAccess) {
    this.#file = `${dir}/told.json`;
    this.#access = access;
    const noted = readJson<{ readonly bootId: string; readonly numbers: readonly number[] }>(this.#file);
    this.#numbers = new Set(noted?.bootId === access.bootId ? noted.numbers : []);
  }

  has(number: number): boolean {
    return this.#numbers.has(number);
  }

  add(number: number): void {
    this.#numbers.add(number);
    const { files, bootId } = this.#access;
    writeWhole(files, this.#file, JSON.stringify({ bootId, numbers: [...this.#numbers] }));
  }
}
