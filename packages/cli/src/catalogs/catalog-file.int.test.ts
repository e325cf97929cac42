import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, afterEach, describe, expect, test } from 'vitest';
import { sandbox } from '../fixtures/cli-process.fixture.ts';
import { readCatalogFile } from './catalog-file.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-catalog-')));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const npm = { volumes: { npm: { tool: 'npm' } } };

async function read(name: string, text: string): Promise<unknown> {
  writeFileSync(join(directory, name), text);
  return (await readCatalogFile({ directory, name, env: {} })).value;
}

describe('a catalog in code', () => {
  test.each([
    ['TypeScript', 'c.ts', `const npm = { tool: 'npm' } satisfies object; export default { volumes: { npm } };`],
    ['the value of a promise', 'c.mjs', `export default Promise.resolve({ volumes: { npm: { tool: 'npm' } } });`],
    [
      'a file that keeps its process alive',
      'c.mjs',
      `setInterval(() => {}, 1e9); export default ${JSON.stringify(npm)};`,
    ],
    ['a file that sets the exit code', 'c.mjs', `process.exitCode = 3; export default ${JSON.stringify(npm)};`],
    ['CommonJS', 'c.js', `module.exports = ${JSON.stringify(npm)};`],
  ])('is read: %s', async (_, name, text) => {
    expect(await read(name, text)).toEqual(npm);
  });

  test.each([
    ['it fails', 'throw new Error("not today")', 'E_CATALOG', 'c.mjs failed: not today'],
    ['it exports nothing', 'export const a = 1;', 'E_CATALOG', 'c.mjs exports no catalog'],
    ['it exits first', 'process.exit(0)', 'E_CATALOG', 'c.mjs exited (exit code 0) before it exported a catalog'],
    ['it waits for ever', 'await new Promise(() => {});', 'E_CATALOG', 'c.mjs exited (exit code 13) before'],
    ['it is killed', 'process.kill(process.pid, "SIGKILL");', 'E_CATALOG', 'c.mjs exited (SIGKILL) before'],
    ['its export is no data', 'export default { volumes: () => 1 };', 'E_CATALOG', 'could not be cloned'],
    [
      'it writes to the export’s descriptor',
      'import { writeSync } from "node:fs"; writeSync(3, "x"); export default {};',
      'E_CATALOG',
      'c.mjs failed: it wrote to descriptor 3',
    ],
    [
      'its export is too large',
      'export default "x".repeat(5_000_000);',
      'E_LIMIT',
      'c.mjs exports more than 4194304 bytes',
    ],
  ])('is refused with the reason: %s', async (_, text, code, why) => {
    await expect(read('c.mjs', text)).rejects.toMatchObject({ code, message: expect.stringContaining(why) as unknown });
  });

  test('without the SDK, the error names the package to install', async () => {
    const code = `import { defineCatalog } from '@cachelane/sdk'; export default defineCatalog({ volumes: {} });`;
    await expect(read('c.ts', code)).rejects.toMatchObject({
      message: expect.stringContaining(`c.ts failed: Cannot find package '@cachelane/sdk'`) as unknown,
      hint: expect.stringContaining('install @cachelane/sdk') as unknown,
    });
  });

  test.each([
    ['c.ts', `import { join } from 'node:path'; export default { volumes: { npm: { tool: join('npm') } } };`],
    ['c.js', `export default ${JSON.stringify(npm)};`],
  ])('%s in a CommonJS package gives a hint instead of Node’s warning', async (name, code) => {
    using box = sandbox();
    writeFileSync(join(box.project, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(join(box.project, name), code);
    const end = await box.cachelane('catalog', 'publish', '-n', 'github.com/acme', name);
    expect(end).toMatchObject({ code: 2, stdout: '' });
    const lines = end.stderr.split('\n');
    expect(lines[0]).toMatch(new RegExp(`^cachelane: ${name} failed: `));
    expect(lines[1]).toContain('rename the file to .mts (or .mjs), or set "type": "module"');
    expect(lines.slice(2)).toEqual(['']);
    writeFileSync(join(box.project, 'c.mts'), code);
    expect(await box.cachelane('catalog', 'publish', '-n', 'github.com/acme', 'c.mts')).toMatchObject({ code: 0 });
  });

  test('equals the same YAML, and its output is not part of the result', async () => {
    using box = sandbox();
    writeFileSync(join(box.project, 'c.yaml'), 'volumes: { npm: { sharing: locked, docs: Packages. } }');
    const code = `console.log('at work'); export default { volumes: { npm: { sharing: 'LOCKED', docs: 'Packages.' } } };`;
    writeFileSync(join(box.project, 'c.ts'), code);
    const publish = ['catalog', 'publish', '--json', '-n', 'github.com/acme'];
    expect(JSON.parse((await box.cachelane(...publish, 'c.yaml')).stdout)).toMatchObject({ version: 1, isNew: true });
    const end = await box.cachelane(...publish, 'c.ts');
    expect(JSON.parse(end.stdout)).toMatchObject({ version: 1, isNew: false });
    expect(end).toMatchObject({ code: 0, stderr: 'at work\n' });
  });
});
