import {
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
  type GraphQLNamedType,
  type GraphQLType,
} from 'graphql';

const scalars: Readonly<Record<string, string>> = {
  ID: 'string',
  String: 'string',
  Boolean: 'boolean',
  Int: 'number',
  Float: 'number',
  Bytes: 'number',
  DateTime: 'string',
};

/** Returns a description as a doc comment. */
export function documented(description: string | null | undefined, indent: string): string {
  if (description === null || description === undefined) return '';
  const lines = description.replaceAll('*/', '*\\/').split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

/** Returns the type's text. `inner` returns the text for the named type inside lists and nullability. */
export function printType(type: GraphQLType, inner: (named: GraphQLNamedType) => string): string {
  if (isNonNullType(type)) return printNonNull(type.ofType, inner);
  return `${printNonNull(type, inner)} | null`;
}

function printNonNull(type: GraphQLType, inner: (named: GraphQLNamedType) => string): string {
  if (!isListType(type)) return inner(type as GraphQLNamedType);
  const item = printType(type.ofType, inner);
  return / \| |^\{/.test(item) ? `readonly (${item})[]` : `readonly ${item}[]`;
}

/** Returns the text of a scalar, enum or input. Throws for an unknown scalar. */
export function leafType(type: GraphQLNamedType): string {
  if (isEnumType(type) || isInputObjectType(type)) return type.name;
  const known = isScalarType(type) ? scalars[type.name] : undefined;
  if (known === undefined) throw new Error(`no TypeScript type for ${type.name}`);
  return known;
}
