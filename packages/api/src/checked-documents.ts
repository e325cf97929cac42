import { hash } from 'node:crypto';
import { asCachelaneError, type CachelaneError } from '@cachelane/core';
import { GraphQLError, parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { AnswerError } from './execute.ts';
import { LastUsed } from './last-used.ts';
import { requireShallow } from './nesting.ts';
import { queryLimits } from './query-limits.ts';

/** Documents that are kept parsed and checked: programs send the same few again and again. Parsed, one takes up to a hundred times its length. */
const documentsKept = 500;
const keptLength = 4096;

/** Documents of which it is known whether they fit: to find that out may take a hundred times as long as to read them. */
const verdictsKept = 2000;

/** A document quotes itself in what is wrong with it. */
const messageLength = 500;

/** A document that does not fit the schema, with all that is wrong. */
export class RefusedDocument extends Error {
  readonly errors: readonly AnswerError[];
  constructor(errors: readonly AnswerError[]) {
    super('the document does not fit the schema');
    this.errors = errors;
  }
}

/** What a document was found to be: it fits, or why not. */
type Verdict = 'fits' | RefusedDocument | CachelaneError;

/** Documents that fit the schema, each looked at once. */
export class CheckedDocuments {
  private readonly parsed = new LastUsed<string, DocumentNode>(documentsKept);
  private readonly verdicts = new LastUsed<string, Verdict>(verdictsKept);
  private readonly answerError: (error: GraphQLError) => AnswerError;

  constructor(answerError: (error: GraphQLError) => AnswerError) {
    this.answerError = answerError;
  }

  /** Throws `RefusedDocument`. Errors: E_LIMIT. */
  of(schema: GraphQLSchema, query: string): DocumentNode {
    const known = this.parsed.get(query);
    if (known !== undefined) return known;
    const name = hash('sha256', query);
    const verdict = this.verdicts.get(name);
    if (verdict !== undefined && verdict !== 'fits') throw verdict;
    try {
      requireShallow(query);
      const document = parse(query, { maxTokens: queryLimits.tokens });
      if (verdict === undefined) this.requireFitting(schema, document);
      this.verdicts.set(name, 'fits');
      if (query.length <= keptLength) this.parsed.set(query, document);
      return document;
    } catch (thrown) {
      const refused = this.refusalFor(thrown);
      this.verdicts.set(name, refused);
      throw refused;
    }
  }

  private requireFitting(schema: GraphQLSchema, document: DocumentNode): void {
    const errors = validate(schema, document, undefined, { maxErrors: 20 });
    if (errors.length > 0) throw this.refused(errors);
  }

  private refusalFor(thrown: unknown): RefusedDocument | CachelaneError {
    if (thrown instanceof RefusedDocument) return thrown;
    if (thrown instanceof GraphQLError) return this.refused([thrown]);
    return asCachelaneError(thrown);
  }

  /** What is kept holds on to nothing of the document. */
  private refused(errors: readonly GraphQLError[]): RefusedDocument {
    return new RefusedDocument(
      errors.map((error) => {
        const answer = this.answerError(error);
        return { ...answer, message: shortened(answer.message) };
      }),
    );
  }
}

function shortened(message: string): string {
  return message.length <= messageLength ? message : `${message.slice(0, messageLength)}…`;
}
