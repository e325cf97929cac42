import { basename, dirname } from 'node:path';
import type { Survivor } from '@cachelane/core';
import { hasLinks, takeBackLinks } from '../links/kept-links.ts';
import { directoriesInUse } from './kept-processes.ts';
import type { KeptSlot, KeptSlots, SlotAccess } from '../slots/kept-slots.ts';
import { clockMsAt, readJson, writeWhole } from '../slots/slot-files.ts';

// Which of a lane's directories a run gets, and at which path. A process may outlive the run that it belongs to, and go on writing: by what it has open, or by the path that it was told. What it writes must not look
// like the work of whoever has the directory next.

export interface Wish {
  /** At a path that was there before, for tools that note where their cache lies; else at one that nobody knows. */
  readonly samePath: boolean;
  /** Numbers of directories that turned out to be of no use. */
  readonly except: ReadonlySet<number>;
}

export interface HandedOut {
  readonly slot: KeptSlot;
  readonly number: number;
  /** Directories beside it. */
  readonly others: number;
  /** Who kept a directory from being handed out: what these processes have of it they have still. */
  readonly passedOver: readonly Survivor[];
}

/** Numbers from here on are paths that were told once; those below come again. */
const onceFrom = 1_000_000;

/** To be called under the guard. */
export function handOut(slots: KeptSlots, { files, bootId }: SlotAccess, { samePath, except }: Wish): HandedOut {
  const told = new ToldNumbers(slots, { files, bootId });
  const passedOver = new Map<number, Survivor>();
  const skipped = new Set(except);
  for (;;) {
    const number = numberFor(slots, { files, bootId }, { samePath, skipped, told });
    // By its new name nobody gets in any more: who is found inside now is all there are.
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

/** Whether no process is seen that can write there. */
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

/** A directory that no run uses, brought to its path, or a new one. */
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
    // They lead to its path.
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

/** Later than all before, also where nothing is left that tells of those. */
function newNumber(slots: KeptSlots, files: SlotAccess['files']): number {
  return Math.max(Math.floor(clockMsAt(files, `${slots.dir}/clock`)), (slots.numbers().at(-1) ?? 0) + 1);
}

/** Paths that come again, but that somebody who outlived his run may know. Processes do not outlive the boot. */
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
