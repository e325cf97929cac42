import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import type { Corpus } from './corpora/corpus.ts';
import { hasCommand, textOf } from './processes.ts';

/** Returns a description of the machine in Markdown, without its name or owner. */
export function machineFacts(runDir: string, corpora: readonly Corpus[], cachelaneVersion: string): string {
  const facts: readonly (readonly [string, string])[] = [
    ['processor', `${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['kernel, file system', `Linux ${release()}, ${textOf(['findmnt', '-no', 'FSTYPE', '-T', runDir])}`],
    [
      'load at the end',
      loadavg()
        .map((load) => load.toFixed(1))
        .join(', '),
    ],
    ['versions', [cachelaneVersion, ...versions()].join(', ')],
    ...corpora.map(
      ({ name, files, directories, bytes }) =>
        [
          `volume ${name}`,
          `${thousands(files)} files in ${thousands(directories)} directories, ${(bytes / 1e6).toFixed(0)} MB`,
        ] as const,
    ),
  ];
  return facts.map(([name, value]) => `- ${name}: ${value}`).join('\n');
}

function versions(): readonly string[] {
  return [
    `Node ${process.versions.node}`,
    `bubblewrap ${versionOf(['bwrap', '--version'])}`,
    `npm ${versionOf(['npm', '--version'])}`,
    `Go ${versionOf(['go', 'version'])}`,
    `zstd ${versionOf(['zstd', '--version'])}`,
    `tar ${versionOf(['tar', '--version'])}`,
    hasCommand('restic') ? `restic ${versionOf(['restic', 'version'])}` : 'no restic',
  ];
}

function versionOf(argv: readonly string[]): string {
  return /\d+(\.\d+)+/.exec(textOf(argv))?.[0] ?? 'unknown';
}

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}
