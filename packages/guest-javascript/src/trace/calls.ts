import { type Node, parse } from "acorn";

/**
 * QuickJS says of a call that is going on, and of an error that is being made, where their last argument begins.
 * Of `throw new Error(⏎ "a " + b ⏎)` that is another line than the one everybody looks for. Here the call itself is
 * found again in the text of the bundle.
 */
export interface CallSite {
  /** In the bundle. */
  readonly offset: number;
  /** What the frame is in the middle of calling, as the frame above is named; null in the innermost frame. */
  readonly callee: string | null;
  /** The error's name and message, for the innermost frame. */
  readonly error: string;
}

/** What the engine throws by itself, which it places well; except that what it could not call is a call again. */
const ENGINE_ERROR = /^(?:TypeError|ReferenceError|RangeError|SyntaxError|InternalError)(?::|$)/;
const NO_FUNCTION = /^TypeError: .*not a (?:function|constructor)$/;
/** What is called without a call in the text. */
const IMPLICIT = /^(?:[gs]et |toString$|valueOf$|toJSON$|next$|return$|then$|\[)/;

/** Where the call begins that a frame is in: at the name that is called, or at `new`. Null: as the engine says. */
export function callStart(code: string, site: CallSite): number | null {
  const statement = statementAround(code, site.offset);
  if (!statement) return null;
  const calls = callsAround(statement.node, site.offset - statement.start);
  const call = site.callee === null ? errorCall(calls, site.error) : calledAs(calls, site.callee);
  return call ? statement.start + call.at : null;
}

interface Call {
  /** The name that is called, if it is called by one. */
  readonly name: string | null;
  readonly kind: "call" | "new" | "super";
  readonly at: number;
}

function errorCall(calls: readonly Call[], error: string): Call | undefined {
  const [call] = calls;
  const named = calls.find(({ name }) => name === error.split(":", 1)[0]);
  if (!call || named || NO_FUNCTION.test(error)) return named ?? call;
  return call.kind === "call" || ENGINE_ERROR.test(error) ? undefined : call;
}

function calledAs(calls: readonly Call[], callee: string): Call | undefined {
  const named = calls.find(({ name }) => name !== null && name === callee);
  return named ?? (IMPLICIT.test(callee) ? undefined : calls[0]);
}

/** Statements longer than this are not looked into. */
const LONGEST = 4_000_000;
const TRIES = 8;
/** Characters of one bundle that were looked into in vain; nothing more is after as many. */
const MOST_IN_VAIN = 16_000_000;

interface Statement {
  readonly start: number;
  readonly node: Node;
}

let last: { code: string; statements: Statement[]; inVain: number } | undefined;

/** The top-level statement around a place: in bundles, and only there, such a statement begins a line. */
function statementAround(code: string, offset: number): Statement | null {
  if (last?.code !== code) last = { code, statements: [], inVain: 0 };
  const known = last.statements.find(({ start, node }) => start <= offset && offset < start + node.end);
  if (known) return known;
  let start = beginBefore(code, offset);
  let end = beginAfter(code, offset);
  for (let tries = 0; tries < TRIES && start >= 0 && end - start < LONGEST; tries++) {
    if (last.inVain > MOST_IN_VAIN) return null;
    try {
      const node = parse(code.slice(start, end), { ecmaVersion: "latest", sourceType: "module" });
      const statement = { start, node };
      last.statements.push(statement);
      return statement;
    } catch {
      last.inVain += end - start;
      // A line of a template may look like a beginning.
      if (tries % 2 === 0) end = beginAfter(code, end);
      else start = beginBefore(code, start - 1);
    }
  }
  return null;
}

const BEGIN = /[^\s)\]}`]/;

function beginBefore(code: string, offset: number): number {
  for (let at = offset; at > 0; ) {
    at = code.lastIndexOf("\n", at - 1) + 1;
    if (BEGIN.test(code.charAt(at))) return at;
    if (at === 0) break;
    at--;
  }
  return offset < 0 ? -1 : 0;
}

function beginAfter(code: string, offset: number): number {
  for (let at = offset; ; ) {
    at = code.indexOf("\n", at) + 1;
    if (at === 0) return code.length;
    if (BEGIN.test(code.charAt(at))) return at;
  }
}

/** What has frames of its own. */
const BODIES = /Function|^StaticBlock$|^PropertyDefinition$/;

/** The calls around a place, the innermost first. A function's calls are not its caller's. */
function callsAround(root: Node, offset: number): Call[] {
  const calls: Call[] = [];
  for (let node: Node | undefined = root; node; node = childAt(node, offset)) {
    if (BODIES.test(node.type) && offset > node.start) calls.length = 0;
    const call = callOf(node as CallNode);
    if (call) calls.unshift(call);
  }
  return calls;
}

function childAt(node: Node, offset: number): Node | undefined {
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child) && child.start <= offset && offset < child.end) return child;
  return undefined;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";

type CallNode = Node & {
  readonly callee?: Callee;
  readonly tag?: Callee;
};
type Callee = Node & { readonly name?: string; readonly property?: Node & { readonly name?: string } };

function callOf(node: CallNode): Call | null {
  const callee = node.type === "TaggedTemplateExpression" ? node.tag : node.callee;
  if (!callee) return null;
  const { name, at } = nameOf(callee);
  if (node.type === "NewExpression") return { name, kind: "new", at: node.start };
  return { name, kind: callee.type === "Super" ? "super" : "call", at };
}

/** Bundled calls of imports read `(0, import_x.f)(…)`. */
function nameOf(callee: Callee & { readonly expressions?: readonly Callee[] }): {
  name: string | null;
  at: number;
} {
  if (callee.type === "SequenceExpression" && callee.expressions?.length === 2)
    return nameOf(callee.expressions[1] as Callee);
  if (callee.type === "ParenthesizedExpression") return { name: null, at: callee.start };
  if (callee.type === "Identifier") return { name: callee.name ?? null, at: callee.start };
  if (callee.type !== "MemberExpression" || !callee.property) return { name: null, at: callee.start };
  const { property } = callee;
  return { name: property.type === "Identifier" ? (property.name ?? null) : null, at: property.start };
}
