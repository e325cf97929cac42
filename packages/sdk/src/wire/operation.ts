/** A document with one operation. The types describe its variables and result. */
export interface Operation<Result, Variables> {
  /** Null: the only operation. */
  readonly name: string | null;
  readonly text: string;
  /** Never set. It connects the types to the text. */
  readonly types?: (variables: Variables) => Result;
}
