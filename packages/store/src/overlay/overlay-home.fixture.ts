import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CachelaneError,
  type AttachedVolume,
  type LayerId,
  type LayerStore,
  type Mounter,
  type OverlayMount,
  type StagedLayer,
} from '@cachelane/core';
import type { MounterFixture, SeenFile, SeenVolume, VolumeStep } from '@cachelane/testkit';
import { fixedClock, runJob } from '../home/layer-home.fixture.ts';
import type { BackgroundJob } from '../files/background-job.ts';
import { openLayerFiles } from '../home/layer-files.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { openOverlayMounter } from './overlay-mounter.ts';

export interface OverlayHome extends MounterFixture {
  readonly mounter: Mounter<OverlayMount>;
  /** The home itself. */
  readonly dir: string;
  readonly files: StoreFiles;
  readonly jobs: readonly BackgroundJob[];
}

/** Runs `sh` in the volume's directory, with the volume mounted. Returns its output. */
export type RunScript = (volume: Pick<AttachedVolume<OverlayMount>, 'mount'>, script: string) => Buffer;

/** Creates a home and a directory for targets. Commands run in real mounts. */
export function createOverlayHome(
  runScript: RunScript = runInBubblewrap,
  keptAs: 'trees' | 'images' = 'trees',
): Promise<OverlayHome> {
  const root = fs.mkdtempSync(join(tmpdir(), 'cachelane-overlay-'));
  const dir = `${root}/home`;
  const targets = `${root}/host`;
  fs.mkdirSync(dir);
  fs.mkdirSync(`${targets}/existing`, { recursive: true });
  fs.writeFileSync(`${targets}/file`, 'a file');
  const jobs: BackgroundJob[] = [];
  const files: StoreFiles = { ...realFiles, start: (job) => void jobs.push(job) };
  const openLayers = (home: string): LayerStore =>
    openLayerFiles({
      dir: home,
      bootId: 'boot',
      clock: fixedClock(0),
      files,
      images: async () => await Promise.resolve(keptAs === 'images'),
    });
  return Promise.resolve({
    dir,
    files,
    jobs,
    layers: keptAs === 'images' ? fromElsewhere(openLayers, root) : openLayers(dir),
    mounter: openOverlayMounter({ dir, files }),
    targets,
    hasDirectory: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
    ...commandsIn((volume, script) => runScript(overlayOf(volume), script)),
    leftovers: () => {
      for (const job of jobs.splice(0)) if (job.kind === 'remove') runJob(job);
      return ['trash', 'sessions'].flatMap((name) => attachmentsIn(`${dir}/${name}`));
    },
    [Symbol.asyncDispose]: () => {
      runJob({ kind: 'remove', dir: root });
      return Promise.resolve();
    },
  });
}

/** Stages layers in another home and sends them here, like a remote does. */
function fromElsewhere(open: (home: string) => LayerStore, root: string): LayerStore {
  fs.mkdirSync(`${root}/elsewhere`);
  const [elsewhere, here] = [open(`${root}/elsewhere`), open(`${root}/home`)];
  const copied = new Set<LayerId>();
  /** Falls back to the local layer for contents that cannot be sent, such as symlinks that lead out. */
  const copyRefused = (error: unknown, staged: StagedLayer): StagedLayer => {
    if (!(error instanceof CachelaneError && error.code === 'E_LAYER_REFUSED')) throw error;
    fs.mkdirSync(`${root}/home/layers`, { recursive: true });
    execFileSync('cp', ['-a', `${root}/elsewhere/layers/${staged.id}`, `${root}/home/layers/`]);
    copied.add(staged.id);
    return staged;
  };
  return {
    ...here,
    async stage(request, signal) {
      const staged = await elsewhere.stage(request, signal);
      await elsewhere.publish(staged, signal);
      const { id } = staged;
      const sent = await elsewhere.pack(id, signal);
      const incoming = { ...sent, id, sealedAtMs: request.sealedAtMs };
      return await here.unpack(incoming, signal).catch((error: unknown) => copyRefused(error, staged));
    },
    publish: async (staged, signal) => {
      if (!copied.has(staged.id)) await here.publish(staged, signal);
    },
  };
}

function overlayOf({ mount }: Pick<AttachedVolume, 'mount'>): Pick<AttachedVolume<OverlayMount>, 'mount'> {
  if (mount.kind !== 'overlay') throw new Error('this is not an overlay');
  return { mount };
}

/** Returns the fixture's commands, which run scripts in volumes. */
export function commandsIn(
  runScript: (volume: Pick<AttachedVolume, 'mount'>, script: string) => Buffer,
): Pick<MounterFixture, 'run' | 'look'> {
  return {
    run: async (volume, steps) => {
      if (steps.length > 0) runScript(volume, steps.map(scriptFor).join('\n'));
    },
    look: async (volume) => parseLook(runScript(volume, lookScript)),
  };
}

/** Returns everything below a session's own directory. */
function attachmentsIn(dir: string): readonly string[] {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir).flatMap((name) => fs.readdirSync(`${dir}/${name}`).map((each) => `${name}/${each}`));
}

/** Needs `bwrap`, which takes the lowest layer first. */
export const runInBubblewrap: RunScript = ({ mount }, script) => {
  const layers = mount.lowerDirs.toReversed().flatMap((lower) => ['--overlay-src', lower]);
  const overlay = ['--overlay', mount.upperDir, mount.workDir, mount.target];
  const argv = ['bwrap', '--dev-bind', '/', '/', ...layers, ...overlay, '--chdir', mount.target, 'sh', '-eu'];
  return execute(behindImages(mount, argv), script);
};

/** Needs root and `unshare`. Other mount options are off. */
export function rootMount(options: string): RunScript {
  return ({ mount }, script) => {
    // One by one: a single option is limited to 255 bytes.
    const lower = mount.lowerDirs.map((dir) => `lowerdir+=${dir}`).join(',');
    const dirs = `${lower},upperdir=${mount.upperDir},workdir=${mount.workDir}`;
    const start = 'mount -t overlay -o "$1" overlay "$2" && cd "$2" && exec sh -eu';
    const given = `redirect_dir=off,metacopy=off,index=off,${options},${dirs}`;
    return execute(behindImages(mount, ['unshare', '--mount', 'sh', '-c', start, 'sh', given, mount.target]), script);
  };
}

/** Returns a command that mounts the volume's images first. Needs root. */
function behindImages({ images }: OverlayMount, argv: readonly string[]): readonly string[] {
  if (images.length === 0) return argv;
  const script = 'while [ "$1" != -- ]; do mount -n -t erofs -o ro "$1" "$2"; shift 2; done; shift; exec "$@"';
  const paths = images.flatMap(({ file, dir }) => [file, dir]);
  return ['unshare', '--mount', 'sh', '-ec', script, 'sh', ...paths, '--', ...argv];
}

/** Returns whether this user and machine can mount like that. */
export function canMountAsRoot(): boolean {
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}

/** Alternates the kinds of mount between volumes. */
export function inTurn(...kinds: readonly [RunScript, ...RunScript[]]): RunScript {
  const chosen = new Map<string, RunScript>();
  return (volume, script) => {
    const { upperDir } = volume.mount;
    const run = chosen.get(upperDir) ?? kinds[chosen.size % kinds.length] ?? kinds[0];
    chosen.set(upperDir, run);
    return run(volume, script);
  };
}

export function execute(argv: readonly string[], script: string): Buffer {
  const [program = '', ...args] = argv;
  return execFileSync(program, args, {
    input: Buffer.from(`umask 022\n${script}\n`, 'latin1'),
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 100_000_000,
  });
}

function quote(latin1: string): string {
  return `'${latin1.replaceAll("'", `'\\''`)}'`;
}

function scriptFor(step: VolumeStep): string {
  switch (step.do) {
    case 'write':
      return `printf %s ${quote(step.content)} > ./${quote(step.path)}`;
    case 'mkdir':
      return `mkdir -p -- ${quote(step.path)}`;
    case 'remove':
      return `rm -rf -- ${quote(step.path)}`;
    case 'rename':
      return `rm -rf -- ${quote(step.to)}; mv -T -- ${quote(step.from)} ${quote(step.to)}`;
    case 'symlink':
      return `ln -s -T -- ${quote(step.target)} ${quote(step.path)}`;
    case 'link':
      return `ln -T -- ${quote(step.from)} ${quote(step.to)}`;
    case 'chmod':
      return `chmod ${step.mode.toString(8)} -- ${quote(step.path)}`;
    case 'touch':
      return `touch -h -d @${step.seconds} -- ${quote(step.path)}`;
    case 'fifo':
      return `mkfifo -- ${quote(step.path)}`;
  }
}

// One line per path, followed by the content of a readable file, with the size from the line.
const lookScript = String.raw`find . -mindepth 1 \( -type f -readable -printf '%y %m %s %P\0\0' -exec cat {} \; \) -o -printf '%y %m 0 %P\0%l\0'`;

function parseLook(output: Buffer): SeenVolume {
  const seen: (readonly [string, SeenFile])[] = [];
  for (let at = 0; at < output.length;) {
    const lineEnd = output.indexOf(0, at);
    const targetEnd = output.indexOf(0, lineEnd + 1);
    const [, type = '', mode = '', size = '', path = ''] =
      /^(.) (\d+) (\d+) (.*)$/s.exec(output.toString('latin1', at, lineEnd)) ?? [];
    const target = output.toString('latin1', lineEnd + 1, targetEnd);
    at = targetEnd + 1 + Number(size);
    const content = output.toString('latin1', targetEnd + 1, at);
    seen.push([path, seenFile(type, Number.parseInt(mode, 8), target, content)]);
  }
  return new Map(seen.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function seenFile(type: string, mode: number, target: string, content: string): SeenFile {
  if (type === 'd') return { type: 'dir', mode };
  if (type === 'l') return { type: 'symlink', target };
  return type === 'f' ? { type: 'file', mode, content } : { type: 'special' };
}
