import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { backgroundVariable } from '@cachelane/core';
import { noAbort, type HomeEngine } from '../engine.fixture.ts';

/** The allowed entries at the top of a home. */
const atTop =
  /^(state\.db(-wal|-shm)?|layers|derived|staging|trash|sessions|kept|outgoing|incoming|reserve|collected|(gc|push)\.log)$/;

/** Directories that are empty unless a process is working. */
const inPassing = ['staging', 'trash', 'sessions', 'outgoing', 'incoming'] as const;

/** Rows that refer to nothing. */
const rows = {
  'sessions without a process': 'SELECT id FROM sessions',
  'volumes of no session': 'SELECT volume_id FROM session_volumes',
  'locks of no session': 'SELECT volume_id FROM volume_locks',
  'mount points of no session': 'SELECT path FROM mount_dirs',
  'volumes without a head': 'SELECT id FROM volumes v WHERE NOT EXISTS (SELECT 1 FROM heads WHERE volume_id = v.id)',
  'namespaces without a volume':
    'SELECT id FROM namespaces n WHERE stays = 0 AND NOT EXISTS (SELECT 1 FROM volumes WHERE namespace_id = n.id)',
  'squashes without a head':
    'SELECT id FROM squashes s WHERE NOT EXISTS (SELECT 1 FROM heads h WHERE h.volume_id = s.volume_id AND h.lane = s.lane)',
  'history without a head':
    'SELECT generation FROM history s WHERE NOT EXISTS (SELECT 1 FROM heads h WHERE h.volume_id = s.volume_id AND h.lane = s.lane)',
} as const;

/**
 * Returns files in the home of `dir` that the metadata do not name, and named files that are missing. The lines are for people.
 * Call it while no process works and after a collection without a grace period. `isIdle`: idle long enough to evict every cache.
 */
export async function leftOver(
  dir: string,
  { deps }: HomeEngine,
  { isIdle }: { readonly isIdle: boolean },
): Promise<readonly string[]> {
  const home = join(dir, 'store');
  const inside = (name: string): readonly string[] =>
    existsSync(join(home, name)) ? readdirSync(join(home, name)) : [];
  const referenced = await deps.metadata.referencedLayers(deps.clock.nowMs(), noAbort);
  const layers = new Set<string>(inside('layers'));
  const caches = isIdle ? (['derived', 'kept'] as const) : [];
  return [
    ...readdirSync(home).filter((name) => !atTop.test(name)),
    ...[...inPassing, ...caches].flatMap((name) =>
      inside(name).flatMap((each) => (isEmptyDir(join(home, name, each)) ? [] : [`${name}/${each}`])),
    ),
    ...[...layers].filter((id) => !referenced.has(id as never)).map((id) => `layers/${id}`),
    ...[...referenced].filter((id) => !layers.has(id)).map((id) => `nothing, where layer ${id} should be`),
    ...['cli', 'mounts'].flatMap((name) => (existsSync(join(dir, name)) ? filesBelow(join(dir, name)) : [])),
    ...staleRows(home, referenced),
  ];
}

/** Returns recorded layers that only the daily collection of everything would find. */
export function lostLayers(dir: string): readonly string[] {
  using database = new DatabaseSync(join(dir, 'store', 'state.db'), { readOnly: true });
  const lost = database.prepare(
    `SELECT id FROM layers
     WHERE id NOT IN (SELECT layer_id FROM layer_holders) AND id NOT IN (SELECT id FROM loose_layers)
     AND id NOT IN (SELECT pin.value FROM sessions, json_each(sessions.pins) AS pin)`,
  );
  return lost.all().map(({ id }) => String(id));
}

/** Returns true for the directory of a kept directory's users if it is empty. */
function isEmptyDir(path: string): boolean {
  return path.endsWith('/kept/sessions') && readdirSync(path).length === 0;
}

function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name));
}

function staleRows(home: string, referenced: ReadonlySet<string>): readonly string[] {
  using database = new DatabaseSync(join(home, 'state.db'), { readOnly: true });
  const known = database.prepare('SELECT id FROM layers').all() as unknown as readonly { readonly id: string }[];
  return [
    ...known.filter(({ id }) => !referenced.has(id)).map(({ id }) => `a row of layer ${id}`),
    ...Object.entries(rows).flatMap(([what, sql]) =>
      database.prepare(sql).all().length > 0 ? [`${what}: ${JSON.stringify(database.prepare(sql).all())}`] : [],
    ),
  ];
}

/** Returns whether a process that a command left behind still works in the home. */
export function isAnybodyLeft(dir: string): boolean {
  const said = `${backgroundVariable}=${join(dir, 'store')}`;
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(said);
    } catch {
      // The process is gone, or belongs to another user.
      return false;
    }
  });
}
