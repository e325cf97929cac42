import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SdkWorld } from './sdk/sdk-world.fixture.ts';

// One pipeline that does not depend on where it runs: a program, and a step of a script. Both list their files and add one.

const program = `
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@cachelane/sdk/node';

const [name] = process.argv.slice(2);
await using engine = await connect();
await using fork = await engine.attach([engine.cacheVolume('pip')]);
process.stdout.write(readdirSync(fork.directory).toSorted().join(' '));
writeFileSync(join(fork.directory, name), name);
await fork.commit();
`;

const step = 'cd ~/.cache/pip && ls | xargs && echo "$0" > "$0"';

export interface Pipeline {
  readonly directory: string;
  /** Returns what the program finds, and then the step. */
  pass(name: string): Promise<{ readonly program: string; readonly step: string; readonly said: string }>;
}

/** Returns the pipeline. Its text is the same in every world. */
export function pipelineIn(on: SdkWorld, project = 'web'): Pipeline {
  const directory = on.acme(project, { 'pipeline.js': program });
  return {
    directory,
    async pass(name) {
      const { code, stdout, stderr } = await on.program(directory, 'pipeline.js', {}, [`${name}.p`]).finished;
      if (code !== 0) throw new Error(`the program failed: ${stderr}`);
      const options = ['-v', 'pip'];
      const run = await on.world.run(['sh', '-euc', step, `${name}.s`], { cwd: directory, options });
      if (run.code !== 0) throw new Error(`the step failed: ${run.stderr}`);
      return { program: stdout.trim(), step: run.stdout.trim(), said: run.stderr };
    },
  };
}

/** Creates this machine's own cache and returns its path. */
export function hostCache(on: SdkWorld): string {
  const dir = join(on.world.home, '.cache/pip');
  return existsSync(dir) ? readdirSync(dir).toSorted().join(' ') : '';
}

/** Writes the user's configuration file. */
export function configure(on: SdkWorld, text: string): void {
  on.world.write({ 'home/.config/cachelane/config.yaml': text });
}
