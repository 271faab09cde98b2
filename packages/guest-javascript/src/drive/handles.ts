/** Values the prelude's snapshot keeps for the host: pointers to boxed `JSValue`s, the same in every instance. */
export interface Handles {
  readonly entry: number;
  readonly undefined: number;
  /** Strings: the names of the entry operations, `""` and `"manifest"`. */
  readonly words: Readonly<Record<string, number>>;
}
