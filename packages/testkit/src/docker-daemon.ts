import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface DockerDaemon extends Disposable {
  /** For `DOCKER_HOST`. */
  readonly socket: string;
  docker(...argv: readonly string[]): {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  };
}

/** Starts a Docker daemon with its files in a temporary directory and without a network. Needs root. */
export async function startDockerDaemon(): Promise<DockerDaemon> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-docker-'));
  const socket = `unix://${dir}/docker.sock`;
  const options = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
  const argv = ['--data-root', `${dir}/data`, '--exec-root', `${dir}/exec`, '-H', socket, '--pidfile', `${dir}/pid`];
  const daemon: ChildProcess = spawn('dockerd', [...argv, ...options], { stdio: 'ignore' });
  const docker: DockerDaemon['docker'] = (...args) => {
    const { status, stdout, stderr } = spawnSync('docker', ['-H', socket, ...args], { encoding: 'utf8' });
    return { code: status, stdout, stderr };
  };
  for (let tries = 0; docker('version').code !== 0; tries++) {
    if (tries > 200 || daemon.exitCode !== null) throw new Error('dockerd does not start');
    await wait(100);
  }
  return {
    socket,
    docker,
    [Symbol.dispose]: () => {
      daemon.kill('SIGTERM');
      spawnSync('sh', ['-c', `for i in $(seq 100); do [ -e ${dir}/pid ] || break; sleep 0.1; done`]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
