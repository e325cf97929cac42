import { CachelaneError } from '@cachelane/core';
import {
  getNamedType,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { assumedItems, queryLimits, readingCosts } from './query-limits.ts';

/** The estimated size of an operation. */
interface Extent {
  readonly cost: number;
  readonly depth: number;
  /** The lists that it asks for, as `Type.field`. */
  readonly lists: ReadonlySet<string>;
}

const nothing: Extent = { cost: 0, depth: 0, lists: new Set() };

export interface Measured {
  readonly schema: GraphQLSchema;
  /** Must be valid: no fragment may contain itself. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Errors: E_LIMIT, with the limit and the estimate; also for a list inside itself. */
export function requireAffordable(measured: Measured): void {
  const { cost, depth } = extentOf(measured);
  if (depth > queryLimits.depth) {
    throw new CachelaneError('E_LIMIT', `the query is ${depth} fields deep, at most ${queryLimits.depth}`, {
      hint: 'ask for inner objects by their id with node(id)',
    });
  }
  if (cost > queryLimits.cost) {
    const count = Number.isFinite(cost) ? String(Math.ceil(cost)) : 'without end';
    throw new CachelaneError('E_LIMIT', `the query may cost up to ${count} fields, at most ${queryLimits.cost}`, {
      hint: 'ask for smaller pages with first, or for fewer fields',
    });
  }
}

function extentOf({ schema, document, operation, variables }: Measured): Extent {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  // Each fragment is measured once, even if it is used a thousand times.
  const known = new Map<string, Extent>();

  const numberOf = (value: ValueNode | undefined): number | undefined => {
    if (value?.kind === Kind.INT) return Number(value.value);
    if (value?.kind !== Kind.VARIABLE) return undefined;
    const name = value.name.value;
    const given = variables[name];
    if (typeof given === 'number') return given;
    return numberOf(operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue);
  };

  const ofFragment = (fragment: FragmentDefinitionNode): Extent => {
    const name = fragment.name.value;
    const found =
      known.get(name) ?? ofSelections(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
    known.set(name, found);
    return found;
  };

  const ofField = (node: FieldNode, parent: GraphQLCompositeType): Extent => {
    const field = fieldOf(schema, parent, node.name.value);
    const type = field === undefined ? undefined : getNamedType(field.type);
    if (node.selectionSet === undefined || field === undefined) return { ...nothing, cost: 1, depth: 1 };
    const inner = ofSelections(node.selectionSet, type);
    const name = `${parent.name}.${node.name.value}`;
    const cost = 1 + (readingCosts[name] ?? 0) + itemsOf(node, field, numberOf) * inner.cost;
    const extent = { cost, depth: 1 + inner.depth };
    // The lists of the introspection schema are short.
    if (!isList(field) || parent.name.startsWith('__')) return { ...extent, lists: inner.lists };
    if (inner.lists.has(name)) throw endless(name);
    return { ...extent, lists: new Set([...inner.lists, name]) };
  };

  const ofSelections = ({ selections }: SelectionSetNode, type: unknown): Extent => {
    let cost = 0;
    let depth = 0;
    const lists = new Set<string>();
    if (!isCompositeType(type)) return nothing;
    for (const selection of selections) {
      const each = extentOfSelection(selection);
      cost += each.cost;
      depth = Math.max(depth, each.depth);
      for (const name of each.lists) lists.add(name);
    }
    return { cost, depth, lists };

    function extentOfSelection(selection: SelectionSetNode['selections'][number]): Extent {
      switch (selection.kind) {
        case Kind.FIELD:
          return ofField(selection, type as GraphQLCompositeType);
        case Kind.INLINE_FRAGMENT: {
          const name = selection.typeCondition?.name.value;
          return ofSelections(selection.selectionSet, name === undefined ? type : schema.getType(name));
        }
        case Kind.FRAGMENT_SPREAD: {
          const fragment = fragments.get(selection.name.value);
          return fragment === undefined ? nothing : ofFragment(fragment);
        }
      }
    }
  };

  return ofSelections(operation.selectionSet, schema.getRootType(operation.operation));
}

function fieldOf(
  schema: GraphQLSchema,
  parent: GraphQLCompositeType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  return schema.getField(parent, name);
}

/** Returns the assumed number of items: a page has `first` items, and the lists of a connection are that page. */
function itemsOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  numberOf: (value: ValueNode | undefined) => number | undefined,
): number {
  const paged = field.args.find(({ name }) => name === 'first');
  if (paged !== undefined) {
    const said = numberOf(node.arguments?.find(({ name }) => name.value === 'first')?.value);
    // A variable without a value counts as a missing argument.
    return Math.max(1, said ?? numberOf(paged.default?.literal) ?? 1);
  }
  return isList(field) && field.name !== 'nodes' && field.name !== 'paths' ? assumedItems : 1;
}

function isList({ type }: GraphQLField<unknown, unknown>): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** A list inside itself would repeat the whole list for each of its items. */
function endless(name: string): CachelaneError {
  return new CachelaneError('E_LIMIT', `the query asks for ${name} inside ${name}`, {
    hint: 'ask for inner objects by their id with node(id)',
  });
}
