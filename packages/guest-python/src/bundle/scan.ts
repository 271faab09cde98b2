import { decodeSource } from "./source.ts";
import { stringValue, type Token, tokenize } from "./tokens.ts";

/** When an import is executed: with the module, when a function of it is called, or not in a sandbox. */
export type When = "load" | "call" | "never";

/** A module that is imported by name. */
export interface Import {
  /** Dotted; "" for `from . import x`. */
  readonly module: string;
  /** Dots before the name: 0 for absolute imports, 1 for the module's own package. */
  readonly level: number;
  /** What is imported from it: each may be a module too. `*` is left out. */
  readonly names: readonly string[];
  readonly when: When;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A string that may be a path, or the last part of one. */
export interface PathLiteral {
  readonly path: string;
  /** Whether it is used as a path plainly, so that it may name a folder too. */
  readonly plain: boolean;
  readonly line: number;
}

/** What a Python file names: modules, and what may be files. */
export interface Scan {
  readonly imports: readonly Import[];
  readonly literals: readonly PathLiteral[];
  /** Folders that tasks are to reach, as `allowed_files` says them plainly: relative to the project root. */
  readonly allowed: readonly string[];
}

/** Characters of a string that can still be a path. */
const LONGEST = 1024;
/** Calls whose arguments are the parts of one path. */
const JOINING_CALLS = new Set(["Path", "PurePath", "PosixPath", "PurePosixPath", "join", "joinpath"]);
/** Calls that take paths. */
const PATH_CALLS = new Set([
  ...JOINING_CALLS,
  ...["with_name", "open", "listdir", "scandir", "walk", "glob", "iglob", "rglob", "FileSystemLoader"],
]);
/** Calls that import the module they are given the name of. */
const IMPORT_CALLS = new Set(["import_module", "__import__", "files", "get_data"]);

const ALLOWED = "allowed_files";
/** What stands in `allowed_files` beside folders. */
const NO_FOLDERS = new Set(["path", "mode", "read-only", "ro", "read-write", "rw"]);

const isPart = (value: string | null): value is string =>
  value !== null && value !== "" && value.length <= LONGEST && !value.includes("\0");

/** Finds what a Python file imports and names. Files with errors of syntax are scanned as far as they make sense. */
export function scanModule(bytes: Uint8Array): Scan {
  const text = decodeSource(bytes);
  return new Scanner(text, tokenize(text)).scan();
}

class Scanner {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #imports: Import[] = [];
  readonly #literals: PathLiteral[] = [];
  readonly #allowed: string[] = [];
  /** Kinds of the blocks around the current line. */
  readonly #blocks: When[] = [];
  /** Where a text offset's line begins, known for the last one asked for. */
  #line = { number: 1, start: 0 };

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  scan(): Scan {
    const tokens = this.#tokens;
    let header: When = "load";
    for (let at = 0; at < tokens.length; ) {
      const { kind } = tokens[at] as Token;
      if (kind === "indent") this.#blocks.push(header);
      else if (kind === "dedent") this.#blocks.pop();
      else {
        header = this.#kindOf(at);
        at = this.#logicalLine(at, header);
        continue;
      }
      at++;
    }
    return { imports: this.#imports, literals: this.#literals, allowed: this.#allowed };
  }

  #textOf(at: number): string {
    const token = this.#tokens[at];
    if (!token) return "";
    const text = this.#text.slice(token.start, token.end);
    return token.kind === "name" && /[^\0-\x7f]/.test(text) ? text.normalize("NFKC") : text;
  }

  #is(at: number, ...texts: readonly string[]): boolean {
    const kind = this.#tokens[at]?.kind;
    return (kind === "op" || kind === "name") && texts.includes(this.#textOf(at));
  }

  /** What a line makes of the block that it begins. */
  #kindOf(at: number): When {
    if (this.#is(at, "def") || (this.#is(at, "async") && this.#is(at + 1, "def"))) return "call";
    if (!this.#is(at, "if")) return "load";
    let end = at + 1;
    while (this.#tokens[end]?.kind === "name" && this.#is(end + 1, ".")) end += 2;
    if (this.#is(end, "TYPE_CHECKING") && this.#is(end + 1, ":")) return "never";
    // A program is imported by its name.
    const main =
      this.#is(at + 1, "__name__") &&
      this.#is(at + 2, "==") &&
      this.#valueAt(at + 3) === "__main__" &&
      this.#is(at + 4, ":");
    return main ? "never" : "load";
  }

  #valueAt(at: number): string | null {
    const token = this.#tokens[at];
    return token?.kind === "string" ? stringValue(this.#text.slice(token.start, token.end)) : null;
  }

  /** Goes through one logical line; gives the index behind it. */
  #logicalLine(start: number, header: When): number {
    const tokens = this.#tokens;
    const around = this.#blocks.reduce(later, "load");
    let when = around;
    let depth = 0;
    let at = start;
    for (; at < tokens.length; at++) {
      const { kind } = tokens[at] as Token;
      if (kind === "newline") return at + 1;
      if (kind === "indent" || kind === "dedent") return at;
      if (kind === "string") at = this.#string(at, when);
      else if (kind === "op") {
        const text = this.#textOf(at);
        if ("([{".includes(text)) depth++;
        else if (")]}".includes(text)) depth--;
        // The rest of `if TYPE_CHECKING: import x`.
        else if (text === ":" && depth === 0) when = later(around, header);
      } else if (kind === "name" && this.#is(at, "import")) at = this.#import(at, start, when) - 1;
      else if (
        kind === "name" &&
        this.#is(at, ALLOWED) &&
        this.#is(at + 1, "=") &&
        this.#is(at + 2, "[", "(")
      )
        at = this.#grants(at + 2) - 1;
    }
    return at;
  }

  /** The list behind `allowed_files=`, at its bracket; gives the index behind it. */
  #grants(start: number): number {
    let depth = 0;
    let at = start;
    for (; at < this.#tokens.length; at++) {
      const kind = this.#tokens[at]?.kind;
      if (kind === "newline") return at;
      if (kind === "string") {
        const [value, end] = this.#whole(at);
        if (isPart(value) && !NO_FOLDERS.has(value)) this.#allowed.push(value);
        at = end - 1;
      } else if (this.#is(at, "[", "(", "{")) depth++;
      else if (this.#is(at, "]", ")", "}") && --depth === 0) return at + 1;
    }
    return at;
  }

  /** An import statement, at its word `import`; gives the index behind it. */
  #import(at: number, lineStart: number, when: When): number {
    let from = at - 1;
    while (from > lineStart && (this.#tokens[from]?.kind === "name" || this.#is(from, ".", "..."))) {
      if (this.#is(from, "from")) break;
      from--;
    }
    if (this.#is(from, "from")) {
      const source = this.#dotted(from + 1);
      const [names, end] = this.#names(at + 1);
      this.#add(from, { ...source, names }, when);
      return end;
    }
    let end = at + 1;
    for (;;) {
      const source = this.#dotted(end);
      if (source.module === "") return end;
      this.#add(end, { module: source.module, level: 0, names: [] }, when);
      end = source.end;
      if (this.#is(end, "as")) end += 2;
      if (!this.#is(end, ",")) return end;
      end++;
    }
  }

  #dotted(start: number): { module: string; level: number; end: number } {
    let at = start;
    let level = 0;
    for (; this.#is(at, ".", "..."); at++) level += this.#textOf(at).length;
    const names: string[] = [];
    while (this.#tokens[at]?.kind === "name" && !this.#is(at, "import")) {
      names.push(this.#textOf(at));
      at++;
      if (!this.#is(at, ".")) break;
      at++;
    }
    return { module: names.join("."), level, end: at };
  }

  /** The names behind `from x import`. */
  #names(start: number): [names: readonly string[], end: number] {
    const names: string[] = [];
    let at = this.#is(start, "(") ? start + 1 : start;
    while (this.#tokens[at]?.kind === "name") {
      names.push(this.#textOf(at));
      at++;
      if (this.#is(at, "as")) at += 2;
      if (!this.#is(at, ",")) break;
      at++;
    }
    return [names, at];
  }

  #add(at: number, found: Pick<Import, "module" | "level" | "names">, when: When): void {
    const { module, level, names } = found;
    if (module === "" && level === 0) return;
    this.#imports.push({ module, level, names, when, ...this.#placeOf(at) });
  }

  #placeOf(at: number): { line: number; column: number } {
    const start = this.#tokens[at]?.start ?? this.#text.length;
    if (start < this.#line.start) this.#line = { number: 1, start: 0 };
    for (;;) {
      const end = this.#text.indexOf("\n", this.#line.start);
      if (end < 0 || end >= start) break;
      this.#line = { number: this.#line.number + 1, start: end + 1 };
    }
    return { line: this.#line.number, column: start - this.#line.start + 1 };
  }

  /**
   * A string: may be the argument of an import call, or a path, whose parts may be several strings joined by `/`, or
   * given one by one to a call. Gives the index of the last token of it.
   */
  #string(start: number, when: When): number {
    const [first, end] = this.#whole(start);
    const call = this.#is(start - 1, "(") ? this.#textOf(start - 2) : "";
    if (IMPORT_CALLS.has(call)) {
      if (this.#is(end, ")", ",")) this.#importCall(first, start, when);
      return end - 1;
    }
    const joining =
      JOINING_CALLS.has(call) || (this.#is(start - 1, ",") && this.#inCall(start, JOINING_CALLS));
    const parts: string[] = [];
    let last = end;
    for (let part = first, next = end; isPart(part); [part, next] = this.#whole(next + 1)) {
      parts.push(part);
      last = next;
      const more = this.#is(next, "/") || (joining && this.#is(next, ","));
      if (!more || this.#tokens[next + 1]?.kind !== "string") break;
    }
    if (parts.length > 0) {
      const plain = this.#is(start - 1, "/") || this.#inCall(start, PATH_CALLS);
      this.#literals.push({ path: parts.join("/"), plain, line: this.#placeOf(start).line });
    }
    return last - 1;
  }

  /** Strings that stand side by side are one. */
  #whole(start: number): [value: string | null, end: number] {
    let value: string | null = "";
    let at = start;
    for (; this.#tokens[at]?.kind === "string"; at++) {
      const part = this.#valueAt(at);
      value = value === null || part === null ? null : value + part;
    }
    return [value, at];
  }

  /** Whether something is an argument of one of these functions. */
  #inCall(start: number, functions: ReadonlySet<string>): boolean {
    let depth = 0;
    for (let at = start - 1; at >= Math.max(0, start - 40); at--) {
      const kind = this.#tokens[at]?.kind;
      if (kind === "newline" || kind === "indent" || kind === "dedent") return false;
      if (kind !== "op") continue;
      const text = this.#textOf(at);
      if (")]}".includes(text)) depth++;
      else if ("([{".includes(text) && depth-- === 0)
        return text === "(" && functions.has(this.#textOf(at - 1));
    }
    return false;
  }

  #importCall(name: string | null, at: number, when: When): void {
    const [, dots = "", module] =
      /^(\.*)([\p{ID_Continue}]+(?:\.[\p{ID_Continue}]+)*)$/u.exec(name ?? "") ?? [];
    if (module !== undefined) this.#add(at, { module, level: dots.length, names: [] }, when);
  }
}

const ORDER: readonly When[] = ["load", "call", "never"];
const later = (a: When, b: When): When => (ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b);
