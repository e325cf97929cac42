import {
  formatLane,
  parseLane,
  parseNamespace,
  parseVolumeName,
  type LayerId,
  type RunId,
  type SessionId,
} from '@cachelane/core';
import {
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { formatForkId } from '../values/fork-id.ts';
import { formatNodeId } from '../values/node-id.ts';

const lane = formatLane(parseLane('t1:local'));

/** Objects that a program may ask about without learning whether they exist. */
export interface Target {
  readonly namespace: string;
  readonly key: string;
  readonly compat: Readonly<Record<string, string>>;
  readonly layer: string;
  readonly session: string;
  readonly run: string;
}

/** Ids follow from names, so a program can make them itself. */
export interface TargetIds {
  readonly ns: string;
  readonly volume: string;
  readonly head: string;
  readonly layer: string;
  readonly fork: string;
  /** An id of the caller's volume in another session. */
  readonly ownFork: string;
}

export function idsOf(target: Target, own: string): TargetIds {
  const { compat } = target;
  const namespace = parseNamespace(target.namespace);
  const volume = { kind: 'volume', namespace, key: parseVolumeName(target.key), compat, definition: null } as const;
  const fork = { session: target.session as SessionId, run: target.run as RunId, lane, mode: 'WRITE' } as const;
  return {
    ns: formatNodeId({ kind: 'namespace', namespace }),
    volume: formatNodeId(volume),
    head: formatNodeId({ kind: 'head', volume, lane }),
    layer: formatNodeId({ kind: 'layer', layer: target.layer as LayerId }),
    fork: formatForkId({ ...fork, volumes: [formatNodeId(volume)] }),
    ownFork: formatForkId({ ...fork, volumes: [own] }),
  };
}

/** All arguments of the schema that can hold a name, an id or a digest, as `Type.field(argument.field)`. */
export function textArguments(schema: GraphQLSchema): readonly string[] {
  const found: string[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
    for (const field of Object.values(type.getFields())) {
      for (const argument of field.args) {
        for (const path of pathsIn(argument)) found.push(`${type.name}.${field.name}(${path})`);
      }
    }
  }
  return found;
}

function pathsIn({ name, type }: Pick<GraphQLArgument | GraphQLInputField, 'name' | 'type'>): readonly string[] {
  const named = getNamedType(type);
  if (named.name === 'String' || named.name === 'ID') return [name];
  if (!isInputObjectType(named)) return [];
  return Object.values(named.getFields()).flatMap((field) => pathsIn(field).map((path) => `${name}.${path}`));
}

/** All fields of a type without required arguments, with theirs, down to a depth. */
function selectionOf(type: GraphQLNamedType, levels: number): string {
  if (!isObjectType(type) && !isInterfaceType(type)) return '';
  const fields = Object.values(type.getFields()).filter(needsNothing);
  const parts = fields.map((field) => selected(field, levels)).filter((part) => part !== null);
  return `{ ${['__typename', ...parts].join(' ')} }`;
}

/** With small pages, since nested lists cost too much. Null: deeper than requested. */
export function selected(field: GraphQLField<unknown, unknown>, levels: number): string | null {
  const { name, args, type } = field;
  const asked = args.some((argument) => argument.name === 'first') ? `${name}(first: 5)` : name;
  const named = getNamedType(type);
  if (!isObjectType(named) && !isInterfaceType(named)) return asked;
  return levels === 0 ? null : `${asked} ${selectionOf(named, levels - 1)}`;
}

export function needsNothing({ args }: GraphQLField<unknown, unknown>): boolean {
  return !args.some(isRequiredArgument);
}

/** Names of the store's operations, in order. */
export function recorder(): { readonly life: { wrap<T extends object>(port: T): T }; readonly calls: string[] } {
  const calls: string[] = [];
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function' || typeof key !== 'string') return value;
        return (...args: readonly unknown[]): unknown => {
          calls.push(key);
          return Reflect.apply(value as (...all: unknown[]) => unknown, target, args);
        };
      },
    });
  return { life: { wrap }, calls };
}
