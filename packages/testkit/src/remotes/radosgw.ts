import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { S3User } from './signed-request.ts';

export interface Radosgw extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; path style. */
  readonly endpoint: string;
  readonly user: S3User;
  /** Contains everything that it writes. */
  readonly dir: string;
  /** Runs `radosgw-admin`, for other users or quotas. */
  admin(...args: readonly string[]): Promise<string>;
}

/**
 * Starts Ceph's S3 server with its data in memory: one monitor, one storage daemon and one gateway on free ports of 127.0.0.1. It is ready
 * after half a second to six seconds and takes some 210 MB. A small shell ends the daemons when the pipe from the test process closes.
 *
 * ```ts
 * requireCommands('ceph-mon', 'ceph-osd', 'ceph', 'radosgw')('…', () => {
 *   …
 *   await using server = await startRadosgw();
 * ```
 */
export async function startRadosgw(): Promise<Radosgw> {
  // Another process may take a port first.
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function start(): Promise<Radosgw> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-radosgw-'));
  const [monitorPort, port] = await freePorts();
  const user = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: randomBytes(20).toString('hex') };
  const fsid = randomUUID();
  writeFileSync(join(dir, 'ceph.conf'), configuration({ dir, fsid, monitorPort, port }));
  writeFileSync(join(dir, 'keyring'), keyring(randomBytes(16)));
  const keeper = spawn('sh', ['-c', keeperScript, 'radosgw-keeper', dir], {
    // A separate session, so that Ctrl-C reaches only the tests, which then close the pipe.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      CEPH_CONF: join(dir, 'ceph.conf'),
      FSID: fsid,
      MONITOR: `[v2:127.0.0.1:${monitorPort}]`,
      PORT: `${port}`,
      ACCESS_KEY: user.accessKeyId,
      SECRET_KEY: user.secretAccessKey,
    },
  });
  const ended = once(keeper, 'close');
  const stop = async (): Promise<void> => {
    keeper.stdin.end();
    await ended;
  };
  const [said = ''] = (await Promise.race([once(createInterface({ input: keeper.stdout }), 'line'), ended])) as [
    string?,
  ];
  if (said !== 'ready') {
    await stop();
    throw new Error(`radosgw did not start: ${said}`);
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    user,
    dir,
    async admin(...args) {
      const { stdout } = await promisify(execFile)('radosgw-admin', ['-n', 'client.rgw.a', ...args], {
        env: { PATH: process.env['PATH'], CEPH_CONF: join(dir, 'ceph.conf') },
      });
      return stdout;
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Both are open at once, so that they differ. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  for (const server of servers) server.close();
  await Promise.all(servers.map(async (server) => await once(server, 'close')));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

interface Settings {
  readonly dir: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly port: number;
}

/**
 * One copy of everything in memory, pools of one placement group, no manager. The monitor does not wait a second before each decision of a
 * new cluster: with the defaults a start takes 16 seconds.
 */
function configuration({ dir, fsid, monitorPort, port }: Settings): string {
  return `[global]
fsid = ${fsid}
keyring = ${dir}/keyring
mon host = v2:127.0.0.1:${monitorPort}
mon initial members = a
public network = 127.0.0.0/8
public addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
paxos propose interval = 0.01
paxos min wait = 0.01
mon tick interval = 1
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 0
mon data avail warn = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2147483648
osd class load list = *
osd class default list = *
run dir = ${dir}
admin socket = ${dir}/$name.$pid.asok
log file = ${dir}/$name.log
mon data = ${dir}/mon
osd data = ${dir}/osd
rgw data = ${dir}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw enable usage log = false
`;
}

/** One key for all; the format is type 1, two words of time, the length, the key. */
function keyring(secret: Uint8Array): string {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt16LE(secret.length, 10);
  const text = Buffer.concat([head, secret]).toString('base64');
  const caps = ['mon', 'osd', 'mgr'].map((what) => `  caps ${what} = "allow *"\n`).join('');
  return ['mon.', 'client.admin', 'client.rgw.a', 'osd.0']
    .map((name) => `[${name}]\n  key = ${text}\n${caps}`)
    .join('');
}

/** Prints `ready` or an error; ends everything and removes the directory when its stdin ends. */
const keeperScript = `
dir=$1
cd "$dir" || exit 1
mkdir mon osd rgw
# Debian's packages have the classes, without which a gateway cannot work, elsewhere than their daemon looks for them.
for classes in /usr/lib/*/rados-classes /usr/lib64/rados-classes; do
  [ -d "$classes" ] && echo "osd class dir = $classes" >>ceph.conf
done
pids=
begin() {
  "$@" </dev/null >>daemons.out 2>&1 &
  pids="$pids $!"
}
set_up() {
  monmaptool --create --addv a "$MONITOR" --fsid "$FSID" monmap &&
  ceph-mon --mkfs -i a --monmap monmap --keyring keyring || return
  begin ceph-mon -i a -f
  ceph --connect-timeout 30 osd create &&
  ceph-osd -i 0 --mkfs --osd-uuid "$(cat /proc/sys/kernel/random/uuid)" || return
  begin ceph-osd -i 0 -f
  begin radosgw -n client.rgw.a -f
  gateway=$!
  tries=0
  until grep -qi "^ *[0-9]*: 0100007F:$(printf %04X "$PORT") 00000000:0000 0A" /proc/net/tcp; do
    kill -0 "$gateway" && [ $((tries += 1)) -lt 1200 ] || return
    sleep 0.05
  done
  # Not beside the gateway: two that make the same pools at once stumble over each other.
  radosgw-admin -n client.rgw.a user create --uid=test --display-name=test \\
    --access-key="$ACCESS_KEY" --secret="$SECRET_KEY"
}
if set_up </dev/null >set-up.out 2>&1; then echo ready; else tail -n 3 set-up.out daemons.out | tr '\\n' ' '; echo; fi
read -r _
for pid in $pids; do kill -9 "$pid"; done 2>/dev/null
wait
cd /
rm -rf "$dir"
`;
