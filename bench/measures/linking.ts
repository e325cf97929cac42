import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fetchTool } from '@cachelane/testkit';
import type { Bench } from '../bench.ts';
import { cachePackages } from '../corpora/packages.ts';
import { textOf, timed } from '../processes.ts';
import { interleave, summaryOf } from '../statistics.ts';
import { milliseconds, rounded, timesFaster, type Row, type Section } from '../table.ts';

/** A tool that hard-links files from its cache. */
interface Linker {
  readonly name: string;
  /** The name of the tool and of its volume. */
  readonly volume: 'pnpm' | 'bun';
  readonly lock: readonly string[];
  /** The command with an empty cache. */
  readonly fill: readonly string[];
  readonly install: readonly string[];
  /** The setting for the directory of its cache. */
  readonly setting: string;
}

/** The limit relative to the tool with its own cache on the same disk, without the save. */
const barTimes = 1.1;

/**
 * Measures warm installs in three ways: in a directory that all runs share, with the tool's own cache, and over an overlay,
 * where links become copies. Then without a shared directory, which a run first restores from layers.
 */
export function measureLinking(bench: Bench): Section {
  const linkers = [pnpm(), ...bun(bench)];
  return { title: 'Tools that link files from their cache', rows: linkers.flatMap((each) => rowsOf(bench, each)) };
}

function rowsOf(bench: Bench, linker: Linker): readonly Row[] {
  const { name, volume, lock, fill, install, setting } = linker;
  bench.say(`linking: ${name}`);
  const cwd = bench.path(`linking-${volume}`);
  const modules = join(cwd, 'node_modules');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), manifest());
  const store = bench.path(`linking-${volume}-store`);
  const hostEnv = { ...bench.env, [setting]: store, CI: 'true' };
  const env = { ...bench.env, CI: 'true', CACHELANE_HOME: store.replace(/store$/, 'home') };
  textOf(lock, { cwd, env: hostEnv });
  const reset = (): void => {
    if (existsSync(modules)) bench.directory.discard(modules);
    bench.settle();
  };
  const own = (...options: readonly string[]) => {
    reset();
    return bench.run(volume, install, { cwd, env, options });
  };
  const host = () => {
    reset();
    return { ms: timed(install, { cwd, env: hostEnv }) };
  };
  const anew = (...options: readonly string[]) => {
    const kept = join(env.CACHELANE_HOME, 'kept');
    if (existsSync(kept)) bench.directory.discard(kept);
    return own(...options);
  };
  reset();
  timed(fill, { cwd, env: hostEnv });
  reset();
  bench.run(volume, fill, { cwd, env });
  const packages = `${name}, ${packagesIn(modules)} packages`;
  const warm = interleave(
    { rounds: bench.rounds, warmUp: true },
    { live: () => own(), host, overlay: () => own('--mounter', 'overlay') },
  );
  const fresh = interleave(
    { rounds: bench.rounds, warmUp: false },
    { live: () => anew(), overlay: () => anew('--mounter', 'overlay') },
  );
  const withoutSave = warm.live.map(({ ms, saveMs }) => ({ ms: ms - saveMs }));
  const [live, peer, overlay] = [
    summaryOf(withoutSave, 'ms'),
    summaryOf(warm.host, 'ms'),
    summaryOf(warm.overlay, 'ms'),
  ];
  const [liveAnew, overlayAnew] = [summaryOf(fresh.live, 'ms'), summaryOf(fresh.overlay, 'ms')];
  return [
    {
      what: `${packages}: shared directory, without the scan`,
      volume,
      measured: milliseconds(live),
      peer: `its own cache ${milliseconds(peer)}`,
      ratio: timesFaster(peer, live),
      bar: { text: `<= ${rounded(barTimes)} of the peer`, met: live.median <= barTimes * peer.median },
    },
    { what: '- the scan at the end', volume, measured: milliseconds(summaryOf(warm.live, 'saveMs')) },
    {
      what: '- all of it',
      volume,
      measured: milliseconds(summaryOf(warm.live, 'ms')),
      peer: `overlay, copies ${milliseconds(overlay)}`,
      ratio: timesFaster(overlay, summaryOf(warm.live, 'ms')),
    },
    {
      what: '- directory made from layers first',
      volume,
      measured: milliseconds(liveAnew),
      peer: `overlay, copies ${milliseconds(overlayAnew)}`,
      ratio: timesFaster(overlayAnew, liveAnew),
    },
  ];
}

/** Returns one version of each package, without packages for other platforms. */
function manifest(): string {
  const wanted = cachePackages.filter((spec) => !/darwin|linux|win32/.test(spec));
  const dependencies = Object.fromEntries(
    wanted.map((spec) => [spec.slice(0, spec.lastIndexOf('@')), spec.slice(spec.lastIndexOf('@') + 1)]),
  );
  return `${JSON.stringify({ name: 'linking', version: '1.0.0', private: true, dependencies })}\n`;
}

/** Returns the number of directories below `node_modules` with a manifest. Each real path counts once. */
function packagesIn(modules: string): number {
  return Number(
    textOf([
      'sh',
      '-c',
      `find "$0" -path '*/node_modules/*' -name package.json -not -type l | grep -cE 'node_modules/(@[^/]+/)?[^/]+/package.json$'`,
      modules,
    ]),
  );
}

function pnpm(): Linker {
  const program = join(dirname(createRequire(import.meta.url).resolve('pnpm-11')), 'bin/pnpm.mjs');
  const argv = [process.execPath, program];
  return {
    name: 'pnpm 11',
    volume: 'pnpm',
    lock: [...argv, 'install', '--lockfile-only', '--ignore-scripts'],
    fill: [...argv, 'install', '--frozen-lockfile', '--ignore-scripts'],
    install: [...argv, 'install', '--offline', '--frozen-lockfile', '--ignore-scripts'],
    setting: 'pnpm_config_store_dir',
  };
}

function bun(bench: Bench): readonly Linker[] {
  const platform = `${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;
  const path = fetchTool({ name: 'bun', version: '1.4.5', program: `@oven/bun-${platform}/bin/bun` });
  if (path === null) {
    bench.say('bun is not available');
    return [];
  }
  const install = [path, 'install', '--frozen-lockfile', '--ignore-scripts'];
  return [
    {
      name: 'bun',
      volume: 'bun',
      lock: [path, 'install', '--lockfile-only', '--ignore-scripts'],
      fill: install,
      install,
      setting: 'BUN_INSTALL_CACHE_DIR',
    },
  ];
}
