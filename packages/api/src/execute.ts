import { asCachelaneError, CachelaneError } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import {
  AbortedGraphQLExecutionError,
  buildSchema,
  execute,
  GraphQLError,
  Kind,
  OperationTypeNode,
  subscribe,
  type DocumentNode,
  type GraphQLSchema,
  type ExecutionResult,
  type OperationDefinitionNode,
} from 'graphql';
import { answerBudget } from './answer-budget.ts';
import { CheckedDocuments, RefusedDocument } from './checked-documents.ts';
import { requireAffordable } from './query-cost.ts';
import type { ApiRequest } from './request.ts';
import { mutationRoot } from './mutations/mutation-root.ts';
import { queryRoot } from './root/query-root.ts';
import { subscriptionRoot } from './subscriptions/subscription-root.ts';

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

let built: GraphQLSchema | undefined;
const documents = new CheckedDocuments(answerError);

function apiSchema(): GraphQLSchema {
  return (built ??= buildSchema(schemaText));
}

const roots = {
  [OperationTypeNode.QUERY]: queryRoot,
  [OperationTypeNode.MUTATION]: mutationRoot,
  [OperationTypeNode.SUBSCRIPTION]: subscriptionRoot,
} as const;

/** Carries a query or mutation out. Never throws: whatever goes wrong is in the answer, with a code. */
export async function executeOperation(operation: Operation, request: ApiRequest): Promise<Answer> {
  try {
    const { args, kind } = prepare(operation, request);
    if (kind !== OperationTypeNode.SUBSCRIPTION) return answerOf(await execute(args));
    throw new CachelaneError('E_USAGE', 'a subscription is answered by a stream', {
      hint: 'ask for text/event-stream with the header accept, as engine.events() of the SDK does; cachelane query prints one answer',
    });
  } catch (thrown) {
    return refusal(thrown);
  }
}

/** Answers of a subscription one after the other, as things happen. Never throws: what is refused is a single answer. */
export async function* executeStream(operation: Operation, request: ApiRequest): AsyncGenerator<Answer> {
  try {
    const result = await subscribe(prepare(operation, request).args);
    if (!(Symbol.asyncIterator in result)) yield answerOf(result);
    else for await (const each of result) yield answerOf(each);
  } catch (thrown) {
    yield refusal(thrown);
  }
}

/** What it is to be; null, where it cannot be read. */
export function kindOf({ query, operationName }: Operation): OperationTypeNode | null {
  try {
    return operationOf(documents.of(apiSchema(), query), operationName).operation;
  } catch {
    return null;
  }
}

function prepare(
  { query, variables, operationName }: Operation,
  request: ApiRequest,
): { readonly args: Parameters<typeof execute>[0]; readonly kind: OperationTypeNode } {
  const schema = apiSchema();
  const document = documents.of(schema, query);
  const operation = operationOf(document, operationName);
  requireAffordable({ schema, document, operation, variables });
  const kind = operation.operation;
  const budget = answerBudget();
  return {
    args: {
      schema,
      document,
      rootValue: roots[kind],
      contextValue: request,
      variableValues: variables,
      operationName,
      // A mutation is told by its own signal, and answers when it has come to an end.
      ...(kind === OperationTypeNode.QUERY
        ? { abortSignal: AbortSignal.any([request.signal, budget.signal]), fieldResolver: budget.fieldResolver }
        : {}),
    },
    kind,
  };
}

function answerOf({ data, errors }: ExecutionResult): Answer {
  return { data, ...(errors === undefined ? {} : { errors: errors.map(answerError) }) };
}

export function refusal(thrown: unknown): Answer {
  if (thrown instanceof AbortedGraphQLExecutionError) return refusal(thrown.cause);
  return { errors: thrown instanceof RefusedDocument ? thrown.errors : [answerError(thrown)] };
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
