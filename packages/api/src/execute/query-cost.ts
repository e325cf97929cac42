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

/** How much an operation asks for, as far as can be told before it is carried out. */
interface Extent {
  readonly cost: number;
  readonly depth: number;
  /** Lists that are asked for, as `Type.field`. */
  readonly lists: ReadonlySet<string>;
}

const nothing: Extent = { cost: 0, depth: 0, lists: new Set() };

export interface Measured {
  readonly schema: GraphQLSchema;
  /** Valid: no fragment holds itself. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Errors: E_LIMIT, with the limit and what was asked for; for a list inside of itself as well. */
export function requireAffordable(measured: Measured): void {
  const { cost, depth } = extentOf(measured);
  if (depth > queryLimits.depth) {
    throw new CachelaneError('E_LIMIT', `the query is ${depth} fields deep, at most ${queryLimits.depth}`, {
      hint: 'ask for the inner part by the id of what it belongs to: node(id)',
    });
  }
  if (cost > queryLimits.cost) {
    const count = Number.isFinite(cost) ? String(Math.ceil(cost)) : 'without end';
    throw new CachelaneError(
      'E_LIMIT',
      `the query may come to ${count} fields, or the work of so many, at most ${queryLimits.cost}`,
      {
        hint: 'ask for smaller pages with first, or for fewer fields',
      },
    );
  }
}

function extentOf({ schema, document, operation, variables }: Measured): Extent {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  // A fragment that is used a thousand times is looked at once.
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
    // The schema's own lists are few, and short.
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

/** A page has as many as `first` says; the lists in a connection are that page and count once. */
function itemsOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  numberOf: (value: ValueNode | undefined) => number | undefined,
): number {
  const paged = field.args.find(({ name }) => name === 'first');
  if (paged !== undefined) {
    const said = numberOf(node.arguments?.find(({ name }) => name.value === 'first')?.value);
    // A variable that nobody gives is as an argument that is left out.
    return Math.max(1, said ?? numberOf(paged.default?.literal) ?? 1);
  }
  return isList(field) && field.name !== 'nodes' && field.name !== 'paths' ? assumedItems : 1;
}

function isList({ type }: GraphQLField<unknown, unknown>): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** A list has as many as the store has, each of which would have the list again. */
function endless(name: string): CachelaneError {
  return new CachelaneError('E_LIMIT', `the query asks for ${name} inside of ${name}`, {
    hint: 'ask for the inner one by the id of what it belongs to: node(id)',
  });
}
