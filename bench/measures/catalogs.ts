import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogDigest, encodeLock, parseNamespace, readCatalog } from '@cachelane/core';
import type { Bench } from '../bench.ts';
import { timed } from '../processes.ts';
import { summarize } from '../statistics.ts';
import { atMost, milliseconds, type Section } from '../table.ts';

const launcher = join(import.meta.dirname, '../../cachelane');
const definitions = 1000;
const generateMs = 1000;

/** Measures how long users of a large catalog wait. */
export function measureCatalogs(bench: Bench): Section {
  bench.say(`a catalog of ${definitions} definitions`);
  const project = bench.path('cataloged');
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{}');
  writeFileSync(join(project, 'cachelane.lock'), lockText());
  const file = join(project, 'cachelane.generated.ts');
  const argv = [launcher, 'generate', '-C', project];
  const took = Array.from({ length: bench.rounds + 1 }, () => {
    rmSync(file, { force: true });
    return timed(argv, { env: bench.env, cwd: project });
  }).slice(1);
  const summary = summarize(took);
  return {
    title: 'A catalog',
    rows: [
      {
        what: '`cachelane generate`, the whole command',
        volume: `${definitions.toLocaleString('en-US')} definitions, ${Math.round(statSync(file).size / 1000)} kB written`,
        measured: milliseconds(summary),
        bar: atMost(generateMs, 'ms', summary),
      },
    ],
  };
}

function lockText(): string {
  const volumes = Object.fromEntries(
    Array.from({ length: definitions }, (_, index) => [
      `team-${index % 40}-cache-${index}`,
      {
        tool: 'npm',
        tier: index % 3 === 0 ? 'catalog' : 'project',
        compat: { image: `trixie-${index % 7}` },
        docs: `What team ${index % 40} downloads.\n\nIt is kept warm by the builds of its default branch, and nothing else goes in.`,
        deprecated: index % 10 === 0 ? 'use the one of the organisation' : null,
      },
    ]),
  );
  const content = readCatalog({ docs: 'What the teams offer.', volumes }, { source: 'the catalog', tools: null });
  const namespace = parseNamespace('github.com/acme');
  const stale = { gone: [], changed: [] };
  return encodeLock([{ alias: 'acme', namespace, version: 7, digest: catalogDigest(content), content, ...stale }]);
}
