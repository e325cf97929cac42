import { expect, test } from 'vitest';
import { nxTool } from './nx.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['1234567890123456789/outputs/dist/main.js', 'G 1234567890123456789'],
  ['1234567890123456789.commit', 'G 1234567890123456789'],
  ['terminalOutputs/1234567890123456789', 'G terminalOutputs/1234567890123456789'],
  ['run.json', 'never'],
  ['workspace-data/', 'U'],
  ['workspace-data/e08d2021fbdd6f894fde550c98aff54d-v6.db', 'Q'],
  ['workspace-data/e08d2021fbdd6f894fde550c98aff54d-v6.db-wal', 'never'],
  ['workspace-data/e08d2021fbdd6f894fde550c98aff54d-v6.lock', 'never'],
  ['workspace-data/project-graph.json', 'never'],
  ['workspace-data/d/', 'never'],
  ['d/daemon.log', 'never'],
  ['0a1b.db', 'never'],
  ['0a1b.db-wal', 'never'],
  ['1234567890123456789/outputs/a.db', 'G 1234567890123456789'],
  ['other/run.json', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(nxTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(nxTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'there is no project', at: 'undefined (undefined)' },
  {
    name: 'nothing is set',
    workDir: '/home/ann/project/a',
    files: { '/home/ann/project/nx.json': '{}' },
    at: "/home/ann/project/.nx/cache (Nx's default)",
  },
  {
    name: 'the project sets it',
    files: { '/home/ann/project/nx.json': '{\n  "cacheDirectory": ".cache"\n}' },
    at: '/home/ann/project/.cache (cacheDirectory in /home/ann/project/nx.json)',
  },
  {
    name: 'the environment sets it',
    env: { NX_CACHE_DIRECTORY: '/c' },
    at: '/c (NX_CACHE_DIRECTORY in the environment)',
  },
])('finds it when $name', ({ at, ...environment }) => {
  const place = nxTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
