import { isEnumType, isInputObjectType, isNonNullType, type GraphQLInputField, type GraphQLNamedType } from 'graphql';
import { documented, leafType, printType } from './print-type.ts';

/** Returns null unless the type is an enum of the schema. */
export function enumType(type: GraphQLNamedType): string | null {
  if (!isEnumType(type) || type.name.startsWith('__')) return null;
  const values = type
    .getValues()
    .map(({ name, description }) => `${documented(description, '  ')}  | '${name}'\n`)
    .join('');
  return `${documented(type.description, '')}export type ${type.name} =\n${values.trimEnd()};\n\n`;
}

/** Returns null unless the type is an input. */
export function inputType(type: GraphQLNamedType): string | null {
  if (!isInputObjectType(type)) return null;
  const fields = Object.values(type.getFields()).map(inputField).join('');
  return `${documented(type.description, '')}export interface ${type.name} {\n${fields}}\n\n`;
}

function inputField(field: GraphQLInputField): string {
  const isNeeded = isNonNullType(field.type) && field.default === undefined;
  const type = printType(isNonNullType(field.type) ? field.type.ofType : field.type, leafType).replace(/ \| null$/, '');
  const printed = isNeeded
    ? `: ${type}`
    : isNonNullType(field.type)
      ? `?: ${type} | undefined`
      : `?: ${type} | null | undefined`;
  return `${documented(field.description, '  ')}  readonly ${field.name}${printed};\n`;
}
