/** A place in a text. Lines and columns count from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

// One token: a string, a number, a word, or a structural character.
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings hold none
  /[ \t\n\r]*(?:("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))|((?:true|false|null)\b)|([[\]{},:]))/y;

/** What may come next: states of a parser that keeps its stack of brackets apart. */
type State = "value" | "value-or-end" | "key" | "key-or-end" | "colon" | "after";

interface Step {
  readonly state: State;
  readonly open?: "[" | "{";
  readonly close?: true;
}

const EXPECTED: Readonly<Record<State, string>> = {
  value: "a value",
  "value-or-end": "a value or ]",
  key: "a name in double quotes",
  "key-or-end": "a name in double quotes or }",
  colon: ":",
  after: "the end",
};

function step(state: State, token: string, inside: string | undefined): Step | null {
  const first = token[0] as string;
  if (state === "colon") return token === ":" ? { state: "value" } : null;
  if (state === "after") {
    if (token === "," && inside) return { state: inside === "[" ? "value" : "key" };
    return (token === "]" && inside === "[") || (token === "}" && inside === "{")
      ? { state: "after", close: true }
      : null;
  }
  if (state === "key" || state === "key-or-end") {
    if (first === '"') return { state: "colon" };
    return state === "key-or-end" && token === "}" ? { state: "after", close: true } : null;
  }
  if (token === "[") return { state: "value-or-end", open: "[" };
  if (token === "{") return { state: "key-or-end", open: "{" };
  if (token === "]") return state === "value-or-end" ? { state: "after", close: true } : null;
  return "},:".includes(first) ? null : { state: "after" };
}

const expectation = (state: State, inside: string | undefined): string =>
  state === "after" && inside ? `, or ${inside === "[" ? "]" : "}"}` : EXPECTED[state];

/**
 * Where a text that is not JSON goes wrong, and what was expected there. `JSON.parse` says the position of only
 * some errors, so this looks again; it is only for text that `JSON.parse` refused.
 */
export function findJsonError(text: string): { offset: number; expected: string } {
  const stack: ("[" | "{")[] = [];
  let state: State = "value";
  let offset = 0;
  while (true) {
    TOKEN.lastIndex = offset;
    const match = TOKEN.exec(text);
    const token = match?.[1] ?? match?.[2] ?? match?.[3] ?? match?.[4];
    const next: Step | null = token === undefined ? null : step(state, token, stack.at(-1));
    if (!next) {
      while (" \t\n\r".includes(text[offset] ?? "x")) offset++;
      return { offset, expected: expectation(state, stack.at(-1)) };
    }
    offset = TOKEN.lastIndex;
    if (next.open) stack.push(next.open);
    if (next.close) stack.pop();
    state = next.state;
  }
}

/** Line and column of an offset. */
export function placeAt(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}

const LONGEST = 120;

/** The line of a place with a marker under the column, cut around it when it is long. */
export function excerptAt(text: string, place: TextPlace): string {
  const line = (text.split("\n")[place.line - 1] ?? "").replace(/\r$/, "");
  const start = Math.max(0, place.column - 1 - LONGEST / 2);
  const shown = line.slice(start, start + LONGEST).replaceAll("\t", " ");
  const gutter = `> ${place.line} | `;
  const left = start > 0 ? "…" : "";
  const right = start + LONGEST < line.length ? "…" : "";
  const marker = " ".repeat(place.column - 1 - start + left.length);
  return `${gutter}${left}${shown}${right}\n${" ".repeat(gutter.length - 2)}| ${marker}^`;
}
