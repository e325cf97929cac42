import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { SeedLook } from '@cachelane/core';

/**
 * What an image of a registry holds is named by its digest and never changes: what was seen of it once is written beside it, goes with it, and is what anybody sees, without a look at each of its files. It did not change a moment ago either,
 * but was put in its place whole.
 */
export async function imageLook(tree: string, look: () => Promise<SeedLook>): Promise<SeedLook> {
  const file = join(dirname(tree), 'look');
  const seen = seenIn(file) ?? (await see(file, look));
  return { path: tree, changedAtMs: 0, ...seen };
}

/** What its provider could not put there: symlinks that lead out. */
export function leftOutOfImage(tree: string): number {
  const text = textOf(join(dirname(tree), 'left-out'));
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

type Seen = Pick<SeedLook, 'stamp' | 'sizeBytes'>;

function seenIn(file: string): Seen | null {
  try {
    const { stamp, sizeBytes } = JSON.parse(textOf(file)) as Readonly<Record<string, unknown>>;
    const isSize = typeof sizeBytes === 'number' && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0;
    return typeof stamp === 'string' && isSize ? { stamp, sizeBytes } : null;
  } catch {
    return null;
  }
}

async function see(file: string, look: () => Promise<SeedLook>): Promise<Seen> {
  const { stamp, sizeBytes } = await look();
  try {
    const fresh = fs.mkdtempSync(`${file}-`);
    try {
      fs.writeFileSync(join(fresh, 'look'), JSON.stringify({ stamp, sizeBytes }), { mode: 0o644 });
      fs.renameSync(join(fresh, 'look'), file);
    } finally {
      fs.rmSync(fresh, { recursive: true, force: true });
    }
  } catch {
    // Whoever cannot write there looks again.
  }
  return { stamp, sizeBytes };
}
