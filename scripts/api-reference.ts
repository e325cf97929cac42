import { examples, schemaText } from '@cachelane/protocol';
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  print,
  parse,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLInputType,
} from 'graphql';

// docs/API.md, all of it, out of the schema.

const preface = `# API

This file is made from the schema by \`npm run generate\`; a test compares it. The same schema describes itself to whoever asks an engine (introspection).

One schema for every endpoint: \`cachelane query\` asks the engine inside the command itself, \`cachelane serve\` is one that stays. Whoever asks without a
session asks as of the project that the engine was started in; a session (\`openSession\`) asks as of its own. Every error has a code in
\`extensions.code\` (the codes of the command line), \`extensions.hint\` where something can be done, and \`extensions.retryable\`.

\`\`\`sh
cachelane query <<< '{ context { namespace lane } cacheVolume(key: "npm") { id namespace sizeBytes } }'
\`\`\`

Limits, each named in the error of whoever goes beyond it: a request of 256 KiB to an engine that serves, a document of 10,000 words, 20 fields deep, no list inside of itself, 1,000,000 fields
of answer as far as can be told before and 250,000 in fact, pages of 1,000 volumes or 10,000 entries.
`;

export function apiReference(): string {
  const types = Object.values(buildSchema(schemaText).getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  );
  return [preface, ...types.map(section)].join('\n');
}

function section(type: GraphQLNamedType): string {
  const parts = [`## ${type.name}\n`, `${kindOf(type)}${type.description ?? ''}\n`];
  if (isObjectType(type) || isInterfaceType(type)) parts.push(fieldTable(Object.values(type.getFields())));
  if (isInputObjectType(type)) parts.push(inputTable(Object.values(type.getFields())));
  if (isEnumType(type)) {
    parts.push(
      table(
        ['value', ''],
        type.getValues().map(({ name, description }) => [`\`${name}\``, description ?? '']),
      ),
    );
  }
  const example = examples[type.name];
  if (example !== undefined) parts.push(`\`\`\`graphql\n${print(parse(example.query))}\n\`\`\`\n`);
  return parts.join('\n');
}

function kindOf(type: GraphQLNamedType): string {
  if (isInterfaceType(type)) return '_Interface._ ';
  if (isInputObjectType(type)) return '_Input._ ';
  if (isScalarType(type)) return '_Scalar._ ';
  return isEnumType(type) ? '_Enum._ ' : '';
}

function fieldTable(fields: readonly GraphQLField<unknown, unknown>[]): string {
  return table(
    ['field', 'type', ''],
    fields.map((field) => [
      `\`${field.name}\``,
      typeText(field.type),
      [field.description ?? '', ...field.args.map(argumentText)].join('<br>'),
    ]),
  );
}

function argumentText(argument: GraphQLArgument): string {
  const preset = argument.astNode?.defaultValue;
  const standard = preset === undefined ? '' : ` = ${print(preset)}`;
  return `**${argument.name}** ${typeText(argument.type)}${standard}: ${argument.description ?? ''}`;
}

function inputTable(fields: readonly GraphQLInputField[]): string {
  return table(
    ['field', 'type', ''],
    fields.map(({ name, type, description }) => [`\`${name}\``, typeText(type), description ?? '']),
  );
}

function typeText(type: GraphQLOutputType | GraphQLInputType): string {
  const named = getNamedType(type);
  const text = String(type).replace(
    named.name,
    isSpecifiedScalarType(named) ? named.name : `[${named.name}](#${named.name.toLowerCase()})`,
  );
  return text.replace(/^\[(?!\w+\]\()/, '\\[');
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[row(titles), row(titles.map(() => '---')), ...rows.map(row)].join('\n')}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('\n', ' ').replaceAll('|', '\\|')).join(' | ')} |`;
}
