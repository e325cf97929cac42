// A build as a program: `node build.mjs` compiles `words` and counts its builds. The volume's directory sets GOCACHE for Go.
// The count is in a volume of the program.
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from '@cachelane/sdk/node';

await using engine = await connect();
const { namespace, lane } = await engine.context();
console.log(`${namespace} on ${lane}`);

const { saved } = await engine.run(['go', 'build', '-o', '/dev/null', '.'], {
  cwd: new URL('words', import.meta.url).pathname,
  volumes: [engine.cacheVolume('go-build')],
});
for (const { key, added } of saved ?? []) console.log(`${key}: ${added} paths more`);

const own = engine.scope(import.meta).cacheVolume('builds', { sharing: 'LOCKED' });
await using fork = await engine.attach([own]);
const file = `${fork.directory}/count`;
const count = Number(await readFile(file, 'utf8').catch(() => '0')) + 1;
await writeFile(file, String(count));
await fork.commit();
console.log(`built ${count} times`);
