import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { SeedLook } from '@cachelane/core';

/**
 * Returns the stamp and size of an image's contents. An image's digest is its name, so its contents never change:
 * the first result is stored beside the image and reused.
 */
export async function imageLook(tree: string, look: () => Promise<SeedLook>): Promise<SeedLook> {
  const file = join(dirname(tree), 'look');
  const seen = seenIn(file) ?? (await see(file, look));
  return { path: tree, changedAtMs: 0, ...seen };
}

/** Returns the number of symlinks that the provider skipped because they lead out. */
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
    // Without write permission, the next call reads the image again.
  }
  return { stamp, sizeBytes };
}
