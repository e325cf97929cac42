import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld } from '../cli.fixture.ts';

// For each tool's cache: files that are never stored, and similar files inside packages that are.

interface Cache {
  readonly tool: string;
  /** A path below the world's directory. Given to `-v` if the tool has no path of its own. */
  readonly path: string;
  readonly isNamed?: true;
  /** Locks, temporary files and machine-specific files. */
  readonly never: readonly string[];
  /** Contents to keep, whatever their names. */
  readonly kept: readonly string[];
  /** Empty files to keep. */
  readonly empty?: readonly string[];
}

const sha512 = 'ab'.repeat(63);
const sha256 = 'ab'.repeat(32);
const response = `http-v2/a/b/c/d/e/${'ab'.repeat(28)}`;
const result = '0eta3qungdlqu7akdfnn5e1m5f4i7h';
const task = '11016901436337956540';

const caches: readonly Cache[] = [
  {
    tool: 'pnpm',
    path: 'home/.local/share/pnpm/store',
    never: [
      'v10/projects/a',
      'v10/tmp/a',
      'v10/tarball-AbCdEf/a',
      `v10/files/ab/${sha512}_tmp_12_0`,
      `v10/index/0f/12-left@1.0.0.json.1234`,
      'v11/projects/a',
      'v11/links/@/left/index.js',
      'v11/server/server.json',
      'v11/index.db-wal',
      'v11/index.db-shm',
    ],
    kept: [`v10/files/ab/${sha512}`, `v11/files/ab/${sha512}-exec`, 'v10/index/0f/12-credentials@1.0.0.json'],
  },
  {
    tool: 'bun',
    path: 'home/.bun/install/cache',
    never: ['.tmp/a', '.bun-1a2b/a', 'left/1.0.0@@@1/index.js'],
    kept: [
      'left@1.0.0@@@1/.npmrc',
      'left@1.0.0@@@1/credentials',
      '@scope/left@1.0.0@@@1/.netrc',
      '0123456789abcdef.npm',
    ],
    empty: ['left@1.0.0@@@1/yarn.lock'],
  },
  {
    tool: 'yarn',
    path: 'home/.yarn/berry',
    never: [
      'index/ab/cd.dat',
      'telemetry.json',
      'cache/left-npm-1.0.0-812ad14604-10c0.zip-1a2b.tmp',
      'cache/left-npm-1.0.0-812ad14604-10c0.flock',
    ],
    kept: ['cache/credentials-npm-1.0.0-812ad14604-10c0.zip', 'metadata/npm/registry.example.com/credentials.json'],
  },
  {
    tool: 'pip',
    path: 'home/.cache/pip',
    never: ['selfcheck/a', 'selfcheck.json', `${response}x1_y2_z3`, `${response}.bodyx1_y2_z3`],
    kept: [response, `${response}.body`, `wheels/ab/ab/ab/${sha256}/credentials-1.0-py3-none-any.whl`],
  },
  {
    tool: 'uv',
    path: 'home/.cache/uv',
    never: [
      '.lock',
      '.tmpAbC/a',
      'builds-v0/a',
      'environments-v2/a',
      'interpreter-v4/a',
      'git-v0/locks/a',
      'git-v0/checkouts/a/b',
      'sdists-v9/pypi/left/1.0/.lock',
    ],
    kept: ['archive-v0/AbC/left/.netrc', 'archive-v0/AbC/credentials', 'CACHEDIR.TAG'],
    empty: ['archive-v0/AbC/left/uv.lock'],
  },
  {
    tool: 'cargo-registry',
    path: 'home/.cargo/registry',
    never: [
      'src/index.crates.io-1/left-1.0.0/src/lib.rs',
      'index/index.crates.io-1/.last-updated',
      'index/index.crates.io-1/.cargo-index-lock',
    ],
    kept: ['cache/index.crates.io-1/credentials-1.0.0.crate', 'index/index.crates.io-1/.cache/cr/ed/credentials'],
  },
  {
    tool: 'cargo-git',
    path: 'home/.cargo/git',
    never: ['checkouts/left-1a2b/1a2b/src/lib.rs'],
    kept: ['db/left-1a2b/config', 'db/left-1a2b/hooks/credentials'],
  },
  {
    tool: 'cargo-target',
    path: 'projects/app/target',
    never: ['debug/incremental/app/a', 'debug/.cargo-lock', 'release/.cargo-build-lock'],
    kept: ['debug/build/app-1a2b/out/credentials.toml', 'debug/build/app-1a2b/out/.npmrc', '.rustc_info.json'],
  },
  {
    tool: 'ccache',
    path: 'home/.cache/ccache',
    never: ['tmp/a', 'lock/a', 'ccache.conf', '0/stats', '0/1/stats', `0/1/${result}R.tmp`],
    kept: [`0/1/${result}R`, `0/1/${result}M`, '0/CACHEDIR.TAG'],
  },
  {
    tool: 'sccache',
    path: 'home/.cache/sccache',
    never: ['.sccachetmpAbC', 'a/b/.sccachetmpAbC'],
    kept: [`a/b/${sha256}`, `preprocessor/a/b/c/${sha256}`],
  },
  {
    tool: 'maven',
    path: 'home/.m2/repository',
    never: [
      '.locks/a',
      'com/acme/left/1.0/left-1.0.jar.lastUpdated',
      'com/acme/left/1.0/left-1.0.jar.part',
      'com/acme/left/1.0/left-1.0.jar.lock',
      'com/acme/left/resolver-status.properties',
    ],
    kept: [
      'com/acme/settings/1.0/settings-1.0.xml',
      'com/acme/credentials/1.0/credentials-1.0.toml',
      'com/acme/left/1.1-SNAPSHOT/left-1.1-SNAPSHOT.jar',
    ],
  },
  {
    tool: 'gradle',
    path: 'home/.gradle/caches',
    never: [
      'modules-2/modules-2.lock',
      'modules-2/gc.properties',
      '8.14/fileHashes/fileHashes.lock',
      '8.14/gc.properties',
      'build-cache-1/build-cache-1.lock',
      'build-cache-1/1a2b.part',
    ],
    kept: [
      `build-cache-1/${'ab'.repeat(16)}`,
      '8.14/fileHashes/fileHashes.bin',
      'modules-2/files-2.1/com.acme/flake/1.0/1a2b/flake.lock',
      '8.14/transforms/1a2b/transformed/web/yarn.lock',
      '8.14/transforms/1a2b/transformed/web/gc.properties',
      'transforms-4/1a2b/transformed/web/credentials',
    ],
  },
  {
    tool: 'bazel',
    path: 'bazel',
    isNamed: true,
    never: ['tmp/a', 'gc/lock'],
    kept: [`ac/ab/${sha256}`, `cas/ab/${sha256}`],
  },
  {
    tool: 'turbo',
    path: 'projects/app/.turbo/cache',
    never: ['0123456789abcdef-manifest.json', '.0123456789abcdef.tar.zst.tmp'],
    kept: ['0123456789abcdef.tar.zst', '0123456789abcdef-meta.json'],
  },
  {
    tool: 'nx',
    path: 'projects/app/.nx/cache',
    never: [
      'run.json',
      'd/a',
      '1a2b.db',
      '1a2b.db-wal',
      'workspace-data/project-graph.json',
      'workspace-data/1a2b-v6.lock',
      'workspace-data/1a2b-v6.db-wal',
    ],
    kept: [`${task}/dist/credentials`, `${task}/dist/.npmrc`, `terminalOutputs/${task}`],
    empty: [`${task}/dist/yarn.lock`],
  },
  {
    tool: 'apt',
    path: 'apt',
    isNamed: true,
    never: ['lock', 'partial/bash_5.2_amd64.deb'],
    kept: ['credentials_5.2_amd64.deb'],
  },
];

const secret = 's3cret-of-the-test';

/** Planted in the root of every volume: credentials, locks, and special files. */
const everywhere = ['.npmrc', '.netrc', '.ssh/id_ed25519', '.docker/config.json', 'credentials.toml', 'id_rsa'];

/** Creates its arguments in the directory: secrets up to the first `--`, then ordinary contents, then empty files. */
const plant = `
cd "$1"; shift; content=${secret}
for path do
  case $path in --ordinary) content=ordinary; continue ;; --empty) content=; continue ;; esac
  mkdir -p "$(dirname "$path")"
  if [ -n "$content" ]; then printf %s "$content" > "$path"; else : > "$path"; fi
done
: > some.lock; mkfifo fifo; mkfifo "$(dirname "$path")"/pipe
"$NODE" -e 'require("node:net").createServer().listen("socket", () => process.kill(process.pid, "SIGKILL"))' || [ -S socket ]`;

interface Shown {
  readonly entries: readonly { readonly path: string; readonly type: string; readonly removed: string | null }[];
}

requireCommands('bwrap')('files planted in the cache', () => {
  test.each(caches)('of $tool: only its contents are stored', async (cache) => {
    const { tool, path, isNamed, never, kept, empty = [] } = cache;
    using world = openWorld({ env: { NODE: process.execPath } });
    const cwd = world.project('app', {
      'Cargo.toml': '[package]\nname = "app"\n',
      'turbo.json': '{}',
      'nx.json': '{}',
    });
    const dir = join(world.dir, path);
    const options = ['-v', isNamed === true ? `${tool}:${dir}` : tool, '--mounter=overlay', '--strict'];
    const files = [...everywhere, ...never, '--empty', ...empty, '--ordinary', ...kept];
    const run = await world.run(['sh', '-ec', plant, 'sh', dir, ...files], { cwd, options });
    expect(run).toMatchObject({ code: 0 });
    expect(run.volume(tool)).toMatchObject({ path: dir, skipped: null });

    const { entries } = (await world.json(['inspect', String(run.volume(tool).layer)], { cwd })) as Shown;
    const stored = entries.filter(({ type, removed }) => type !== 'dir' && removed === null).map((entry) => entry.path);
    expect(stored.toSorted()).toEqual([...kept, ...empty].toSorted());
    // The excluded files are deleted in the background.
    const gone = 'until [ -z "$(ls -A "$1/trash" 2>/dev/null)" ]; do sleep 0.02; done';
    world.exec(['sh', '-c', gone, 'sh', world.store]);
    const special = world.exec(['find', world.store, '-type', 's,p,b,c']);
    expect(special.stdout).toBe('');
    world.exec(['sh', '-c', '! grep -r -e "$1" "$2"', 'sh', secret, world.store]);
  });
});
