import { asCachelaneError, CachelaneError } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import {
  buildSchema,
  execute,
  GraphQLError,
  Kind,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LastUsed } from './last-used.ts';
import { requireAffordable } from './query-cost.ts';
import { queryLimits } from './query-limits.ts';
import type { ApiRequest } from './request.ts';
import { queryRoot } from './root/query-root.ts';

/** One document to carry out. */
export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Which of several operations; null: the only one. */
  readonly operationName: string | null;
}

/** As the GraphQL specification has it. */
export interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly AnswerError[];
}

export interface AnswerError {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly hint?: string; readonly retryable: boolean };
}

/** Documents that are kept parsed and checked: programs send the same few again and again. */
const documentsKept = 500;

let built: GraphQLSchema | undefined;
const checked = new LastUsed<string, DocumentNode>(documentsKept);

function apiSchema(): GraphQLSchema {
  return (built ??= buildSchema(schemaText));
}

/** Carries a query or mutation out. Never throws: whatever goes wrong is in the answer, with a code. */
export async function executeOperation(operation: Operation, request: ApiRequest): Promise<Answer> {
  try {
    const schema = apiSchema();
    const document = documentOf(schema, operation.query);
    const chosen = operationOf(document, operation.operationName);
    requireAffordable({ schema, document, operation: chosen, variables: operation.variables });
    const { data, errors } = await execute({
      schema,
      document,
      rootValue: queryRoot,
      contextValue: request,
      variableValues: operation.variables,
      operationName: operation.operationName,
      abortSignal: request.signal,
    });
    return { data, ...(errors === undefined ? {} : { errors: errors.map(answerError) }) };
  } catch (thrown) {
    return { errors: thrown instanceof Refusal ? thrown.errors.map(answerError) : [answerError(thrown)] };
  }
}

/** A document that does not fit the schema, with all that is wrong. */
class Refusal extends Error {
  readonly errors: readonly GraphQLError[];
  constructor(errors: readonly GraphQLError[]) {
    super('the document does not fit the schema');
    this.errors = errors;
  }
}

function documentOf(schema: GraphQLSchema, query: string): DocumentNode {
  const known = checked.get(query);
  if (known !== undefined) return known;
  const document = parse(query, { maxTokens: queryLimits.tokens });
  const errors = validate(schema, document, undefined, { maxErrors: 20 });
  if (errors.length > 0) throw new Refusal(errors);
  checked.set(query, document);
  return document;
}

function operationOf(document: DocumentNode, name: string | null): OperationDefinitionNode {
  const all = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const named = name === null ? all : all.filter((each) => each.name?.value === name);
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  const why =
    name === null ? `the document has ${all.length} operations` : 'the document has no operation of this name';
  throw new CachelaneError('E_USAGE', why, { hint: 'say which one with operationName' });
}

/** The one place where an error becomes an answer. */
export function answerError(thrown: unknown): AnswerError {
  if (!(thrown instanceof GraphQLError)) {
    const { code, message, hint, retryable } = asCachelaneError(thrown);
    return { message, extensions: { code, ...(hint === undefined ? {} : { hint }), retryable } };
  }
  const { originalError, locations, path } = thrown;
  // What the specification checks has no error behind it: the document, or a value, is not what the schema says.
  const said =
    originalError === undefined || originalError === null
      ? { message: thrown.message, extensions: { code: 'E_USAGE', retryable: false } }
      : answerError(originalError);
  return { ...said, ...(locations === undefined ? {} : { locations }), ...(path === undefined ? {} : { path }) };
}
