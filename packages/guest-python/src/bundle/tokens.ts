/** Python's lexical structure, as its reference describes it: what imports and literals are can't be guessed without. */

export type TokenKind =
  | "name"
  | "number"
  | "string"
  /** An f-string or t-string is several tokens: its start, the text between fields, its end; fields in between. */
  | "fstring-start"
  | "fstring-middle"
  | "fstring-end"
  | "op"
  /** The end of a logical line. */
  | "newline"
  | "indent"
  | "dedent"
  /** What no Python accepts, such as a string without an end. */
  | "error";

export interface Token {
  readonly kind: TokenKind;
  /** Where it is in the text. */
  readonly start: number;
  readonly end: number;
}

/** An f-string that is being read. */
interface Open {
  readonly quote: string;
  readonly raw: boolean;
  /** Where fields of it are in the nesting of brackets; the innermost last. */
  readonly fields: { readonly depth: number; spec: boolean }[];
}

const NAME = /[\p{XID_Start}_]\p{XID_Continue}*/uy;
const DIGITS = "[0-9](?:_?[0-9])*";
const NUMBER = new RegExp(
  "0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|" +
    `(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:[eE][+-]?${DIGITS})?[jJ]?`,
  "y",
);
const OPERATOR =
  /\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|==|!=|<=|>=|<>|\*\*|\/\/|>>|<<|\+=|-=|\*=|\/=|%=|@=|&=|\|=|\^=|[-+*/%@&|^~<>()[\]{},:;.=!]/y;
const STRING = /(?:[uU]|[bB][rR]?|[rR][bB]?|[fF][rR]?|[rR][fF]|[tT][rR]?|[rR][tT])?(?:"""|'''|"|')/y;
const SPACE = /[ \t\f]+/y;
const COMMENT = /#[^\n]*/y;
const TAB = 8;

/** The tokens of a text whose line ends are `\n`. Never throws: what is wrong becomes an `error`, and it goes on. */
export function tokenize(text: string): Token[] {
  return new Tokenizer(text).read();
}

class Tokenizer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  readonly #indents = [0];
  readonly #open: Open[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Token[] {
    const end = this.#text.length;
    let fresh = true;
    while (this.#at < end) {
      if (this.#inText()) this.#middle();
      else if (fresh) fresh = !this.#indentation();
      else fresh = this.#token();
    }
    if (this.#open.length > 0) this.#push("error", end, end);
    if (!fresh) this.#endLine(end);
    for (; this.#indents.length > 1; this.#indents.pop()) this.#push("dedent", end, end);
    return this.#tokens;
  }

  #push(kind: TokenKind, start: number, end: number): void {
    this.#tokens.push({ kind, start, end });
    this.#at = end;
  }

  #match(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? pattern.lastIndex : -1;
  }

  #endLine(end: number): void {
    const last = this.#tokens.at(-1)?.kind;
    if (last !== undefined && last !== "newline" && last !== "dedent" && last !== "indent")
      this.#push("newline", this.#at, end);
    this.#at = end;
  }

  /** The white space that begins a logical line. False: the line is blank, so there is none. */
  #indentation(): boolean {
    let column = 0;
    let at = this.#at;
    for (; ; at++) {
      const character = this.#text[at];
      if (character === " ") column++;
      else if (character === "\t") column = (Math.floor(column / TAB) + 1) * TAB;
      else if (character === "\f") column = 0;
      else if (character === "\\" && this.#text[at + 1] === "\n") at++;
      else break;
    }
    this.#at = at;
    const comment = this.#match(COMMENT);
    if (comment >= 0) this.#at = comment;
    if (this.#at >= this.#text.length) return false;
    if (this.#text[this.#at] === "\n") {
      this.#at++;
      return false;
    }
    const indents = this.#indents;
    if (column > (indents.at(-1) as number)) {
      indents.push(column);
      this.#push("indent", at, at);
    }
    while (column < (indents.at(-1) as number)) {
      indents.pop();
      if (column > (indents.at(-1) as number)) {
        indents.push(column);
        this.#push("error", at, at);
        break;
      }
      this.#push("dedent", at, at);
    }
    return true;
  }

  /** One token, or what is between two. True: a logical line has ended. */
  #token(): boolean {
    const text = this.#text;
    const start = this.#at;
    const character = text[start] as string;
    if (character === "\n") {
      if (this.#depth > 0) this.#at++;
      else this.#endLine(start + 1);
      return this.#depth === 0;
    }
    const skipped = Math.max(this.#match(SPACE), this.#match(COMMENT));
    if (skipped >= 0) {
      this.#at = skipped;
      return false;
    }
    if (character === "\\") {
      if (text[start + 1] === "\n") this.#at = start + 2;
      else this.#push("error", start, start + 1);
      return false;
    }
    const quoted = this.#match(STRING);
    if (quoted >= 0) {
      this.#string(start, quoted);
      return false;
    }
    const number = this.#match(NUMBER);
    if (number >= 0) this.#push("number", start, number);
    else {
      const name = this.#match(NAME);
      if (name >= 0) this.#push("name", start, name);
      else this.#operator(start);
    }
    return false;
  }

  #operator(start: number): void {
    const end = this.#match(OPERATOR);
    if (end < 0) {
      const code = this.#text.codePointAt(start) as number;
      this.#push("error", start, start + (code > 0xffff ? 2 : 1));
      return;
    }
    const open = this.#open.at(-1);
    const field = open?.fields.at(-1);
    const character = this.#text[start] as string;
    // In a field, `:` begins the format whatever comes after it.
    if (field && this.#depth === field.depth && character === ":") {
      field.spec = true;
      this.#push("op", start, start + 1);
      return;
    }
    if ("([{".includes(character)) this.#depth++;
    else if (")]}".includes(character)) {
      if (field && this.#depth === field.depth) open?.fields.pop();
      this.#depth = Math.max(0, this.#depth - 1);
    }
    this.#push("op", start, end);
  }

  /** A string whose first quote ends at `body`. */
  #string(start: number, body: number): void {
    const prefix = this.#text
      .slice(start, body)
      .replace(/["']+$/, "")
      .toLowerCase();
    const quote = this.#text.slice(start + prefix.length, body);
    const raw = prefix.includes("r");
    if (/[ft]/.test(prefix)) {
      this.#open.push({ quote, raw, fields: [] });
      this.#push("fstring-start", start, body);
      return;
    }
    const text = this.#text;
    for (let at = body; at < text.length; at++) {
      const character = text[at];
      if (character === "\\") at++;
      else if (character === "\n" && quote.length === 1) {
        this.#push("error", start, at);
        return;
      } else if (character === quote[0] && text.startsWith(quote, at)) {
        this.#push("string", start, at + quote.length);
        return;
      }
    }
    this.#push("error", start, text.length);
  }

  /** Whether the text of an f-string goes on here, or the format of one of its fields. */
  #inText(): boolean {
    const open = this.#open.at(-1);
    if (!open) return false;
    return open.fields.at(-1)?.spec ?? true;
  }

  /** The text of an f-string up to the next field or its end. */
  #middle(): void {
    const text = this.#text;
    const open = this.#open.at(-1) as Open;
    const spec = open.fields.length > 0;
    const start = this.#at;
    for (let at = start; at < text.length; at++) {
      const character = text[at];
      if (character === "\\") at = this.#escape(at, open.raw);
      else if (character === "\n" && open.quote.length === 1) {
        this.#close(open);
        this.#push("error", start, at);
        return;
      } else if (character === open.quote[0] && text.startsWith(open.quote, at)) {
        if (at > start) this.#push("fstring-middle", start, at);
        this.#close(open);
        this.#push("fstring-end", at, at + open.quote.length);
        return;
      } else if (character === "{") {
        if (!spec && text[at + 1] === "{") at++;
        else {
          if (at > start) this.#push("fstring-middle", start, at);
          this.#depth++;
          open.fields.push({ depth: this.#depth, spec: false });
          this.#push("op", at, at + 1);
          return;
        }
      } else if (character === "}") {
        if (!spec && text[at + 1] === "}") at++;
        else if (spec) {
          if (at > start) this.#push("fstring-middle", start, at);
          open.fields.pop();
          this.#depth--;
          this.#push("op", at, at + 1);
          return;
        }
      }
    }
    this.#close(open);
    this.#push("error", start, text.length);
  }

  /** The last character of what a backslash begins. */
  #escape(at: number, raw: boolean): number {
    const next = this.#text[at + 1];
    if (next === "{" || next === "}") return at;
    if (raw || next !== "N" || this.#text[at + 2] !== "{") return at + 1;
    const end = this.#text.indexOf("}", at);
    return end < 0 ? at + 2 : end;
  }

  #close(open: Open): void {
    this.#open.pop();
    const [field] = open.fields;
    if (field) this.#depth = field.depth - 1;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The value of a `string` token; null for bytes, and for characters that are given by their names. */
export function stringValue(literal: string): string | null {
  const prefix = /^[a-zA-Z]*/.exec(literal)?.[0].toLowerCase() ?? "";
  if (prefix.includes("b")) return null;
  const width = literal.startsWith('"""', prefix.length) || literal.startsWith("'''", prefix.length) ? 3 : 1;
  const body = literal.slice(prefix.length + width, -width);
  if (prefix.includes("r") || !body.includes("\\")) return body;
  let known = true;
  const value = body.replace(
    /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g,
    (whole, octal?: string, x?: string, u?: string, long?: string, single?: string) => {
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      const code = Number.parseInt(x ?? u ?? long ?? "", 16);
      if (code <= 0x10ffff) return String.fromCodePoint(code);
      if (single === "N" || single === undefined) known = false;
      return ESCAPES[single ?? ""] ?? whole;
    },
  );
  return known ? value : null;
}
