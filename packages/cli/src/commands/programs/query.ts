import { readFileSync } from 'node:fs';
import type { Answer, Operation } from '@cachelane/api';
import { CachelaneError, parseNamespace } from '@cachelane/core';
import { variables } from '@cachelane/protocol';
import { askAsProject, type ProgramPlace } from '../../api/ask-as-project.ts';
import type { EngineAccess } from '../../api/ask-engine.ts';
import { defineCommand, projectOptions, type Command } from '../../host/command.ts';
import { readFault } from '../../base/file-fault.ts';
import { projectOf, type ProjectQuestion } from '../../context/find-volume.ts';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { whereToRun } from '../../host/working-directory.ts';

export const query: Command = defineCommand({
  name: 'query',
  summary: 'send a GraphQL document to the engine',
  examples: ['cachelane query document.graphql', 'cachelane query -'],
  details: [
    'Runs the GraphQL document in FILE (default, or "-": standard input) and prints the answer as JSON: data, and errors with their codes. The current project is the context. The schema describes itself: { __schema { types { name description } } }, and docs/reference/api.md lists the operations.',
    'If CACHELANE_ENGINE names an engine (cachelane serve), the query goes there, in a session that ends with the answer; uncommitted forks are discarded. Without an engine, sessions and forks are refused, since they would end with the answer. Events need POST with accept: text/event-stream. If CACHELANE_ENGINE_SESSION is set, for example by a parent, that session is used, unless -C or -n are given. The token of a confined session uses that session.',
    'The exit code is 1 if the answer has errors.',
  ],
  options: {
    ...projectOptions,
    variables: { value: 'JSON', help: 'values of the variables, as one object' },
    operation: { value: 'NAME', help: 'the operation to run, if the document has several' },
  },
  operands: [{ name: 'FILE', optional: true, help: 'a file with the document' }],
  async run({ options, operands }, host) {
    const operation = {
      query: textOf(operands.FILE),
      variables: variablesIn(options.variables),
      operationName: options.operation ?? null,
    };
    const address = host.env[variables.address];
    const answer =
      address === undefined || address === ''
        ? await openAndAsk(host, options, operation)
        : await askAsProject({ address, ...handed(host) }, placeOf(host, options), operation);
    printJson(host, answer);
    return answer.errors === undefined ? 0 : 1;
  },
});

/** Returns the token and session that the parent passed on. */
function handed({ env }: Host): Pick<EngineAccess, 'token' | 'session'> {
  const session = env[variables.session];
  return { token: env[variables.token], ...(session === undefined || session === '' ? {} : { session }) };
}

/** Errors: E_USAGE, E_NAMESPACE, E_NOT_FOUND. */
function placeOf(host: Host, { directory, namespace }: ProjectQuestion): ProgramPlace {
  const { dir, problem } = whereToRun(host, directory);
  if (problem !== null) throw problem;
  return {
    directory: dir,
    namespace: namespace === undefined ? null : parseNamespace(namespace, '--namespace'),
    environment: host.env,
    isChosen: directory !== undefined || namespace !== undefined,
  };
}

/** Opens an engine for one question. */
async function openAndAsk(host: Host, question: ProjectQuestion, operation: Operation): Promise<Answer> {
  const { context, workDir } = await projectOf(host, question);
  const { signal } = new AbortController();
  const { openEngine } = await import('../../api/open-engine.ts');
  const namespace = question.namespace === undefined ? null : context.namespace;
  await using engine = await openEngine(host, {
    place: { directory: workDir, namespace, environment: null, isConfined: false },
    signal,
    endsWithAnswer: true,
  });
  return await engine.api.execute(operation, null, signal);
}

/** Errors: E_NOT_FOUND, E_USAGE. */
function textOf(file: string | undefined): string {
  const isInput = file === undefined || file === '-';
  try {
    return readFileSync(isInput ? 0 : file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = isInput ? 'standard input' : JSON.stringify(file);
    throw new CachelaneError(
      code === 'ENOENT' ? 'E_NOT_FOUND' : 'E_USAGE',
      `cannot read ${what}: ${readFault(cause)}`,
      {
        hint: 'name a file with a GraphQL document, or - for standard input',
        cause,
      },
    );
  }
}

/** Errors: E_USAGE. */
function variablesIn(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CachelaneError('E_USAGE', '--variables must be a JSON object', {
    hint: `as in: --variables '{"key": "npm"}'`,
  });
}
