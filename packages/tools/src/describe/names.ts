/** Names of types that are made for a description: each once. */
export class TypeNames {
  readonly #taken: Set<string>;

  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  /** `get_price` and `line-items` give `GetPriceLineItems`; one that is taken gets a number. */
  make(...parts: readonly string[]): string {
    const words = parts.flatMap((part) => part.split(/[^A-Za-z0-9]+/)).filter((word) => word !== "");
    const joined = words.map((word) => (word[0] as string).toUpperCase() + word.slice(1)).join("");
    const wanted = /^[A-Za-z]/.test(joined) ? joined : `T${joined}`;
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}${count}`;
    this.#taken.add(name);
    return name;
  }
}

/** Which of the positional parameters may be left out: those that only such follow. */
export function trailing<T extends { readonly optional: boolean }>(parameters: readonly T[]): readonly T[] {
  const last = parameters.findLastIndex(({ optional }) => !optional);
  return parameters.map((parameter, at) => (at < last ? { ...parameter, optional: false } : parameter));
}

/** What no parameter can be called in a declaration. */
const RESERVED = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false " +
    "finally for function if implements import in instanceof interface let new null package private protected public return " +
    "static super switch this throw true try typeof var void while with yield"
  ).split(" "),
);

/** Names of positional parameters as TypeScript may have them: in a declaration they say something to readers only. */
export function parameterNames(names: readonly string[]): readonly string[] {
  return names.map((name) => {
    let free = name;
    while (RESERVED.has(free) || (free !== name && names.includes(free))) free += "_";
    return free;
  });
}
