/** A function's parameters as its source text has them. */
export interface Parameter {
  readonly name: string;
  /** Whether it has a default. */
  readonly optional: boolean;
}

/** Sources are not read further than this. */
const MOST_SOURCE = 20_000;
const HEAD = /^(?:async\s+)?(?:function\s*\*?\s*[\w$]*\s*|\*?\s*[\w$]+\s*)?\(/;
const SINGLE = /^(?:async\s+)?([\w$]+)\s*=>/;
const ITEM = /^\s*([A-Za-z_$][\w$]*)\s*(=(?!=|>))?/;
const NESTING: Readonly<Record<string, number>> = { "(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1 };

/**
 * The names of a function's parameters, read from its source; null where they are not plain names: patterns, rest
 * parameters, native functions, sources that are not clear without a whole parser.
 */
export function parametersOf(fn: (...args: never[]) => unknown): readonly Parameter[] | null {
  const source = Function.prototype.toString.call(fn).slice(0, MOST_SOURCE);
  if (source.includes("[native code]") || source.startsWith("class")) return null;
  const single = SINGLE.exec(source)?.[1];
  if (single !== undefined) return [{ name: single, optional: false }];
  const head = HEAD.exec(source)?.[0];
  if (head === undefined) return null;
  const items = split(source, head.length);
  if (items === null) return null;
  const found: Parameter[] = [];
  for (const item of items) {
    const match = ITEM.exec(item);
    const [whole = "", name, assigned] = match ?? [];
    if (name === undefined || (assigned === undefined && item.slice(whole.length).trim() !== "")) return null;
    found.push({ name, optional: assigned !== undefined });
  }
  return found;
}

/** The parts between commas up to the parenthesis that closes; null if quotes or comments are among them. */
function split(source: string, from: number): readonly string[] | null {
  const items: string[] = [];
  let begin = from;
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const char = source[at] as string;
    const quoted = /["'`/]/.test(char) ? skip(source, at) : at;
    if (quoted === null) return null;
    if (quoted > at) {
      at = quoted;
      continue;
    }
    const ends = depth === 0 && (char === ")" || char === ",");
    depth += NESTING[char] ?? 0;
    if (!ends) continue;
    items.push(source.slice(begin, at));
    begin = at + 1;
    if (char !== ")") continue;
    // A comma before the end, or no parameters at all.
    if (items.at(-1)?.trim() === "") items.pop();
    return items;
  }
  return null;
}

/** The end of a plain string that begins here; null for what is none: a template, a comment, a regular expression. */
function skip(source: string, from: number): number | null {
  const quote = source[from];
  if (quote !== '"' && quote !== "'") return null;
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote) return at;
  }
  return null;
}
