import { CachelaneError } from '@cachelane/core';
import { Lexer, Source, TokenKind } from 'graphql';
import { queryLimits } from './query-limits.ts';

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Refuses deeply nested documents before the recursive parser could overflow the stack. Errors: E_LIMIT; a GraphQLError
 * for a document that cannot be tokenized.
 */
export function requireShallow(query: string): void {
  const lexer = new Lexer(new Source(query));
  let depth = 0;
  for (let words = 0; words <= queryLimits.tokens; words++) {
    const { kind } = lexer.advance();
    if (kind === TokenKind.EOF) return;
    if (opening.has(kind)) depth += 1;
    if (closing.has(kind)) depth -= 1;
    if (depth > queryLimits.nesting) {
      throw new CachelaneError('E_LIMIT', `the document is nested deeper than ${queryLimits.nesting} brackets`);
    }
  }
}
