import { cutText } from "@capsule-run/protocol";
import { type Function as FunctionNode, type Pattern, parse } from "acorn";
import { readPositions } from "./positions.ts";

/** What a task's function takes, as its source says. */
export interface Parameters {
  /** In order. A destructured one is named by its pattern, such as `{ a, b }`; the rest parameter without its dots. */
  readonly names: readonly string[];
  /** Arguments that a call has to give: up to the last parameter that is neither optional nor has a default. */
  readonly required: number;
  readonly rest: boolean;
}

/** Longer functions are not looked into. */
const LONGEST = 65_536;
const MOST = 100;
const NAME = 80;

/**
 * The parameters of a function, from its text as `toString` gives it: arrows, functions, methods, async or not.
 *
 * Bundling takes away types, and with them the `?` of optional parameters. Given the bundle, they are looked up
 * in the user's own source; without it they count as required.
 *
 * @returns null for text that is no such function, or is too long. Never throws, whatever the text.
 */
export function parametersOf(source: string, bundle?: { readonly sourceMap: string }): Parameters | null {
  if (typeof source !== "string" || source.length > LONGEST) return null;
  try {
    const parsed = functionIn(source);
    if (!parsed) return null;
    const { params } = parsed.node;
    if (params.length > MOST) return null;
    const isOptional = bundle ? optionalIn(bundle.sourceMap, source, parsed.offset) : () => false;
    const last = params.at(-1);
    const rest = last?.type === "RestElement";
    let required = 0;
    params.forEach((param, n) => {
      if (param.type !== "AssignmentPattern" && param.type !== "RestElement" && !isOptional(param))
        required = n + 1;
    });
    return { names: params.map(nameOf), required, rest };
  } catch {
    return null;
  }
}

/** `offset` is what stands before the function's text in the text that was parsed. */
function functionIn(source: string): { node: FunctionNode; offset: number } | null {
  // A function or arrow is an expression, a method stands in an object.
  for (const [before, after] of [
    ["(", "\n)"],
    ["({", "\n})"],
  ] as const) {
    try {
      const program = parse(before + source + after, { ecmaVersion: "latest" }) as unknown as Program;
      const expression = program.body.length === 1 ? program.body[0]?.expression : undefined;
      const property = expression?.properties?.length === 1 ? expression.properties[0] : undefined;
      const node = before === "(" ? expression : property?.method ? property.value : undefined;
      if (node?.type === "ArrowFunctionExpression" || node?.type === "FunctionExpression")
        return { node: node as unknown as FunctionNode, offset: before.length };
    } catch {
      // The other way, then.
    }
  }
  return null;
}

interface Program {
  readonly body: readonly { readonly expression?: Expression }[];
}
interface Expression {
  readonly type: string;
  readonly properties?: readonly { readonly method: boolean; readonly value: Expression }[];
}

const nameOf = (pattern: Pattern): string => cutText(plainName(pattern), NAME);

function plainName(pattern: Pattern): string {
  switch (pattern.type) {
    case "Identifier":
      return pattern.name;
    case "AssignmentPattern":
      return plainName(pattern.left);
    case "RestElement":
      return plainName(pattern.argument);
    case "ArrayPattern":
      return `[${pattern.elements.map((element) => (element ? partName(element) : "")).join(", ")}]`;
    case "ObjectPattern":
      return `{ ${pattern.properties
        .map((part) =>
          part.type === "RestElement" ? partName(part) : part.computed ? "…" : keyName(part.key),
        )
        .join(", ")} }`;
    default:
      return "…";
  }
}

const partName = (pattern: Pattern) =>
  pattern.type === "RestElement" ? `...${plainName(pattern)}` : plainName(pattern);

const keyName = (key: { type: string }): string =>
  key.type === "Identifier"
    ? (key as unknown as { name: string }).name
    : key.type === "Literal"
      ? String((key as unknown as { value: unknown }).value)
      : "…";

/** Whether the user's source has a `?` after a parameter. */
function optionalIn(sourceMap: string, source: string, offset: number): (param: Pattern) => boolean {
  const positions = readPositions(sourceMap);
  const start = positions.code.indexOf(source);
  return (param) => {
    if (param.type !== "Identifier" || start < 0) return false;
    const at = positions.original(start + param.start - offset);
    const text = at ? positions.text(at.source)?.split(/\r\n|[\n\r\u2028\u2029]/)[at.line - 1] : undefined;
    if (!at || !text?.startsWith(param.name, at.column - 1)) return false;
    return /^\s*\?/.test(text.slice(at.column - 1 + param.name.length));
  };
}
