import {
  getNamedType,
  isCompositeType,
  isNonNullType,
  Kind,
  typeFromAST,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { documented, leafType, printType } from './print-type.ts';

/** A selection as a type: its fragments and its own fields. */
interface Selected {
  /** The names of the fragments. */
  readonly spreads: readonly string[];
  /** Types of inline fragments on a narrower type. Any of them may be missing. */
  readonly perhaps: readonly string[];
  readonly fields: string;
}

/** Returns an interface with the fragment's name. */
export function fragmentInterface(schema: GraphQLSchema, fragment: FragmentDefinitionNode): string {
  const type = schema.getType(fragment.typeCondition.name.value) as GraphQLCompositeType;
  const { spreads, perhaps, fields } = selected(schema, { type, selections: fragment.selectionSet, indent: '  ' });
  if (perhaps.length > 0) throw new Error(`${fragment.name.value}: a fragment selects of one type`);
  const heritage = spreads.length === 0 ? '' : ` extends ${spreads.join(', ')}`;
  const description = documented(type.description, '');
  return `${description}export interface ${fragment.name.value}${heritage} {\n${fields}}\n\n`;
}

/** Returns the type of `data`. */
export function resultType(schema: GraphQLSchema, operation: OperationDefinitionNode): string {
  const type = schema.getRootType(operation.operation) as GraphQLCompositeType;
  return objectType(selected(schema, { type, selections: operation.selectionSet, indent: '  ', isQuiet: true }), '');
}

/** Returns the type of the variables. Optional variables may be undefined. */
export function variablesType(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode): string {
  if (variableDefinitions.length === 0) return 'Record<string, never>';
  const fields = variableDefinitions.map(({ variable, type: node }) => {
    const type = typeFromAST(schema, node);
    if (type === undefined) throw new Error(`there is no type for $${variable.name.value}`);
    const optional = isNonNullType(type) ? ['', ''] : ['?', ' | undefined'];
    return `  readonly ${variable.name.value}${optional[0]}: ${printType(type, leafType)}${optional[1]};\n`;
  });
  return `{\n${fields.join('')}}`;
}

interface Selecting {
  readonly type: GraphQLCompositeType;
  readonly selections: SelectionSetNode;
  readonly indent: string;
  /** Omits comments, which the fragments already have. */
  readonly isQuiet?: boolean;
}

function selected(schema: GraphQLSchema, { type, selections, indent, isQuiet = false }: Selecting): Selected {
  const spreads: string[] = [];
  const perhaps: string[] = [];
  const fields: string[] = [];
  for (const each of selections.selections) {
    switch (each.kind) {
      case Kind.FRAGMENT_SPREAD:
        spreads.push(each.name.value);
        break;
      case Kind.INLINE_FRAGMENT: {
        const inner = schema.getType(each.typeCondition?.name.value ?? type.name) as GraphQLCompositeType;
        const of = { type: inner, selections: each.selectionSet, indent: `${indent}  `, isQuiet };
        perhaps.push(`Partial<${objectType(selected(schema, of), indent)}>`);
        break;
      }
      case Kind.FIELD:
        fields.push(fieldType(schema, { type, field: each, indent, isQuiet }));
    }
  }
  return { spreads, perhaps, fields: fields.join('') };
}

interface SelectedField {
  readonly type: GraphQLCompositeType;
  readonly field: FieldNode;
  readonly indent: string;
  readonly isQuiet: boolean;
}

function fieldType(schema: GraphQLSchema, { type, field, indent, isQuiet }: SelectedField): string {
  const name = field.name.value;
  const definition = schema.getField(type, name);
  if (definition === undefined) throw new Error(`${type.name} has no field ${name}`);
  const printed = printType(definition.type, (named) => {
    if (!isCompositeType(named) || field.selectionSet === undefined) return leafType(getNamedType(named));
    const inner = { type: named, selections: field.selectionSet, indent: `${indent}  `, isQuiet };
    return objectType(selected(schema, inner), indent);
  });
  const description = isQuiet ? '' : documented(definition.description, indent);
  return `${description}${indent}readonly ${field.alias?.value ?? name}: ${printed};\n`;
}

function objectType({ spreads, perhaps, fields }: Selected, indent: string): string {
  const own = fields === '' ? [] : [`{\n${fields}${indent}}`];
  return [...spreads, ...perhaps, ...own].join(' & ');
}
