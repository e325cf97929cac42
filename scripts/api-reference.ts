import { examples, schemaText } from '@cachelane/protocol';
import { buildSchema, parse, print, printSchema, type GraphQLField, type GraphQLObjectType } from 'graphql';

const schema = buildSchema(schemaText);

const preface = `# API

\`npm run generate\` makes this page from the schema. [schema.graphql](../../packages/protocol/schema.graphql) has every type with its description; an engine
answers introspection queries with the same text.

\`\`\`sh
cachelane query <<< '{ context { namespace lane } cacheVolume(key: "npm") { id namespace sizeBytes } }'
\`\`\`

\`cachelane query\` runs an engine inside the command, for the project in the current directory. \`cachelane serve\` runs one that stays. A client without a session
asks for the engine's project; \`openSession\` opens a session for another one.

Errors carry \`extensions.code\` (the codes of the command line), \`extensions.hint\` and \`extensions.retryable\`.

| limit                                | value                                       |
| ------------------------------------ | ------------------------------------------- |
| request to an engine that serves     | 256 KiB                                     |
| document                             | 10,000 tokens, 20 fields deep, no recursion |
| answer                               | 250,000 fields                              |
| page                                 | 1,000 volumes or 10,000 entries             |
`;

/** Returns the text of docs/reference/api.md. */
export function apiReference(): string {
  const roots = [
    ['Queries', schema.getQueryType()],
    ['Mutations', schema.getMutationType()],
    ['Subscriptions', schema.getSubscriptionType()],
  ] as const;
  const tables = roots.map(([title, type]) => `## ${title}\n\n${operations(type)}`);
  return [preface, ...tables, `## Examples\n\nThe tests run each of them.\n\n${exampleBlock()}`].join('\n');
}

/** Returns the text of packages/protocol/schema.graphql. */
export function schemaFile(): string {
  return `# Made by \`npm run generate\`.\n\n${printSchema(schema)}\n`;
}

function operations(type: GraphQLObjectType | null | undefined): string {
  const fields = Object.values(type?.getFields() ?? {});
  return fields.map((field) => wrapped(`- \`${signature(field)}\`: ${firstSentence(field.description)}`)).join('');
}

function signature({ name, args, type }: GraphQLField<unknown, unknown>): string {
  const list = args.map((argument) => {
    const preset = argument.astNode?.defaultValue;
    return `${argument.name}: ${String(argument.type)}${preset === undefined ? '' : ` = ${print(preset)}`}`;
  });
  return `${name}${list.length === 0 ? '' : `(${list.join(', ')})`}: ${String(type)}`;
}

function firstSentence(text: string | null | undefined): string {
  const [first = ''] = (text ?? '').replaceAll('\n', ' ').split(/(?<=\.)\s/);
  return first;
}

/** Wraps an item of a list at 150 characters. */
function wrapped(item: string): string {
  const lines = [''];
  for (const word of item.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > 150) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return `${lines.join('\n')}\n`;
}

function exampleBlock(): string {
  const lines = Object.entries(examples).map(
    ([type, { query }]) => `# ${type}\n${query.length > 150 ? print(parse(query)) : query}`,
  );
  return `\`\`\`graphql\n${lines.join('\n')}\n\`\`\`\n`;
}
