/**
 * From code as one types it into a REPL to a script. What the top level declares by `let`, `const` and `class` becomes a
 * property of the global object, so that it stays and can be declared again. Lines stay where they are, one further down.
 */
import {
  type AnyNode,
  type Options,
  type Pattern,
  type Program,
  parse,
  type VariableDeclaration,
} from "acorn";
import { IMPORT } from "./names.ts";

/** A piece of code as the engine takes it. */
export interface Piece {
  /** Names that have to be there before it runs. */
  readonly names: readonly string[];
  /** Evaluated first: its function declarations, where it can't be evaluated as it stands. */
  readonly functions: string | null;
  readonly source: string;
}

/** Replaces `[start, end)`; of those at one place the first comes first. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const OPTIONS: Options = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowHashBang: true,
};

/** Code without any of these is a script already. */
const NEEDS = /\b(?:let|const|class|import|export|await|using)\b|^\s*\{|^#!|use strict/;

/** Code that is a script already. */
export const script = (code: string): Piece => ({ names: [], functions: null, source: `\n${code}` });

/** The piece of a code that needs no parsing; null: that may. */
export const asItIs = (code: string): Piece | null => (NEEDS.test(code) ? null : script(code));

/** @throws SyntaxError of acorn, with `pos` and `loc` */
export function translate(code: string): Piece {
  const { text, program } = parsed(code);
  const nodes = text.includes("await") || text.includes("import") ? outside(program) : null;
  const isAsync = nodes?.some(awaits) ?? false;
  const edits: Edit[] = (nodes ?? []).flatMap(dynamicImport);
  const names: string[] = [];
  let functions = "";
  let before = "";
  const body = program.body.map((node) => plain(node, edits));
  for (const [i, node] of body.entries()) {
    if (node === null) continue;
    if (node.type === "ImportDeclaration") {
      before += imported(node);
      edits.push(blank(text, node));
    } else if (node.type === "VariableDeclaration") {
      if (isAsync) names.push(...namesOf(node));
      edits.push(...(isAsync ? assigned(node, ";(") : asVar(node)));
    } else if (node.type === "ClassDeclaration") {
      const { name } = node.id;
      if (isAsync) names.push(name);
      edits.push({ start: node.start, end: node.start, text: `${isAsync ? "" : "var "}${name}=` });
      edits.push({ start: node.end, end: node.end, text: ";" });
    } else if (node.type === "FunctionDeclaration" && isAsync) {
      functions += text.slice(functions.length, node.start).replace(/[^\n]/g, " ");
      functions += text.slice(node.start, node.end);
      edits.push(blank(text, node));
    } else if (node.type === "ExpressionStatement" && isAsync && i === body.length - 1) {
      edits.push({ start: node.expression.start, end: node.expression.start, text: "return(" });
      edits.push({ start: node.expression.end, end: node.expression.end, text: ")" });
    }
  }
  if (isAsync && text.includes("var"))
    for (const found of innerVars(program)) {
      names.push(...namesOf(found.node));
      edits.push(...assigned(found.node, found.inHead ? "" : "void("));
    }
  const script = applied(text, edits);
  return {
    names,
    functions: functions === "" ? null : `\n${applied(functions, importsWithin(functions, nodes))}`,
    source: isAsync ? `(async()=>{${before}\n${script}\n})()` : `${before}\n${script}`,
  };
}

/** An object literal is no block, as in every REPL. */
function parsed(given: string): { text: string; program: Program } {
  const code = given.replace(/^#!/, "//");
  if (/^\s*\{/.test(code) && !/;\s*$/.test(code))
    try {
      const text = `(${code}\n)`;
      return { text, program: parse(text, OPTIONS) };
    } catch {
      // Then it is a block.
    }
  return { text: code, program: parse(code, OPTIONS) };
}

/** A statement of the top level; null for one that is nothing here. */
function plain(node: Program["body"][number], edits: Edit[]): Program["body"][number] | null {
  if (node.type === "ExportNamedDeclaration" || node.type === "ExportDefaultDeclaration") {
    const inner = node.declaration;
    edits.push({ start: node.start, end: inner?.start ?? node.end, text: "" });
    if (!inner) return null;
    if (/Declaration$/.test(inner.type)) return inner as Program["body"][number];
    return { type: "ExpressionStatement", start: inner.start, end: node.end, expression: inner } as never;
  }
  // Pieces run as sloppy scripts: in strict ones nothing could be declared for the next.
  if (node.type === "ExpressionStatement" && node.directive === "use strict")
    edits.push({ start: node.start, end: node.start, text: "0," });
  return node;
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === "object" && value !== null && typeof (value as AnyNode).type === "string";

function children(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = [];
  for (const value of Object.values(node))
    if (Array.isArray(value)) found.push(...value.filter(isNode));
    else if (isNode(value)) found.push(value);
  return found;
}

const isFunction = ({ type }: AnyNode): boolean =>
  type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression";

interface Placed {
  readonly node: AnyNode;
  /** Whether it is in no function. */
  readonly top: boolean;
}

/** All nodes that `await` and `import` can be. */
function outside(program: Program): Placed[] {
  const found: Placed[] = [];
  const todo: Placed[] = [{ node: program, top: true }];
  for (let at = todo.pop(); at; at = todo.pop()) {
    const { node, top } = at;
    if (/^(?:Await|Import)Expression$|^ForOfStatement$/.test(node.type)) found.push(at);
    const inner =
      top && !isFunction(node) && node.type !== "StaticBlock" && node.type !== "PropertyDefinition";
    for (const child of children(node)) todo.push({ node: child, top: inner });
  }
  return found;
}

const awaits = ({ node, top }: Placed): boolean =>
  top && (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await));

/** `import(…)` of the engine knows no modules. */
const dynamicImport = ({ node }: Placed): Edit[] =>
  node.type === "ImportExpression"
    ? [{ start: node.start, end: node.start + "import".length, text: IMPORT }]
    : [];

/** The same in the functions that were taken out; they stand where they stood. */
const importsWithin = (functions: string, nodes: readonly Placed[] | null): Edit[] =>
  (nodes ?? [])
    .filter(({ node }) => functions.slice(node.start, node.start + 6) === "import")
    .flatMap(dynamicImport);

function namesOf({ declarations }: VariableDeclaration): string[] {
  const names: string[] = [];
  const todo: (Pattern | null)[] = declarations.map(({ id }) => id);
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (at === null) continue;
    if (at.type === "Identifier") names.push(at.name);
    else if (at.type === "AssignmentPattern") todo.push(at.left);
    else if (at.type === "RestElement") todo.push(at.argument);
    else if (at.type === "ArrayPattern") todo.push(...at.elements);
    else if (at.type === "ObjectPattern")
      todo.push(...at.properties.map((each) => (each.type === "Property" ? each.value : each)));
  }
  return names;
}

function asVar({ start, kind, declarations }: VariableDeclaration): Edit[] {
  if (kind === "var") return [];
  return [
    { start, end: start + kind.length, text: "var".padEnd(kind.length) },
    // One that is declared again has no value again.
    ...declarations.filter(({ init }) => !init).map(({ end }) => ({ start: end, end, text: "=void 0" })),
  ];
}

/** A declaration as assignments. @param open what comes before the first of several, closed by `)`; empty: nothing */
function assigned({ start, kind, declarations }: VariableDeclaration, open: string): Edit[] {
  const [first] = declarations;
  const last = declarations.at(-1);
  if (!first || !last) return [];
  const isOne = open === "";
  const edits = declarations.flatMap(({ id, init, end }): Edit[] => {
    if (!init && kind !== "var" && !isOne) return [{ start: end, end, text: "=void 0" }];
    if (!isOne || id.type !== "ObjectPattern" || !init) return [];
    return [
      { start: id.start, end: id.start, text: "(" },
      { start: end, end, text: ")" },
    ];
  });
  const space = isOne ? "" : open.padEnd(first.start - start);
  return [
    { start, end: first.start, text: space },
    ...edits,
    ...(isOne ? [] : [{ start: last.end, end: last.end, text: ")" }]),
  ];
}

interface InnerVar {
  readonly node: VariableDeclaration;
  /** Whether it is in the head of a loop. */
  readonly inHead: boolean;
}

/** `var`s below the top level and in no function: they, too, are the top level's. */
function innerVars(program: Program): InnerVar[] {
  const found: InnerVar[] = [];
  const todo: { node: AnyNode; inHead: boolean }[] = [];
  const push = (node: AnyNode): void => {
    for (const child of children(node)) {
      if (isFunction(child) || /^Class/.test(child.type)) continue;
      const inHead = "init" in node ? node.init === child : "left" in node && node.left === child;
      todo.push({ node: child, inHead: inHead && /^For/.test(node.type) });
    }
  };
  for (const node of program.body) if (!/Declaration$/.test(node.type)) push(node);
  for (let at = todo.pop(); at; at = todo.pop()) {
    if (at.node.type === "VariableDeclaration" && at.node.kind === "var")
      found.push({ node: at.node, inHead: at.inHead });
    push(at.node);
  }
  return found;
}

/** `import a, { b as c } from "m"` as declarations. */
function imported(node: Extract<AnyNode, { type: "ImportDeclaration" }>): string {
  const module = `${IMPORT}.now(${JSON.stringify(node.source.value)})`;
  if (node.specifiers.length === 0) return `${module};`;
  return node.specifiers
    .map((each) => {
      if (each.type === "ImportNamespaceSpecifier") return `globalThis.${each.local.name}=${module};`;
      const name = each.type === "ImportDefaultSpecifier" ? "default" : nameOf(each.imported);
      return `globalThis.${each.local.name}=${IMPORT}.now(${JSON.stringify(node.source.value)},${JSON.stringify(name)});`;
    })
    .join("");
}

const nameOf = (node: { type: string; name?: string; value?: unknown }): string =>
  node.type === "Identifier" ? (node.name ?? "") : String(node.value);

/** White space in place of a node, lines kept. */
const blank = (text: string, { start, end }: { start: number; end: number }): Edit => ({
  ...{ start, end },
  text: text.slice(start, end).replace(/[^\n]/g, " "),
});

function applied(text: string, edits: readonly Edit[]): string {
  let result = "";
  let at = 0;
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  for (const { start, end, text: replacement } of sorted) {
    // Within what was taken out.
    if (start < at) continue;
    result += text.slice(at, start) + replacement;
    at = end;
  }
  return result + text.slice(at);
}
