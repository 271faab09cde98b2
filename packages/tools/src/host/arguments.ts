/** What a program hands over, bound to what a tool takes. All of it is the program's word. */
import { parametersOf, type Tool } from "../declare/index.ts";
import { cut, place, Refusal } from "./problem.ts";

type Named = Readonly<Record<string, unknown>>;

/** Gives the values that a tool gets: the function's arguments, or its one input. */
export type Bind = (args: readonly unknown[], named: Named | null) => readonly unknown[];

const listed = (names: readonly string[]): string =>
  cut(names.map((name) => JSON.stringify(name)).join(", "), 300);

/** Arguments of a call, which came as JSON text. */
export function readArguments(
  args: string,
  kwargs: string | null,
): { args: readonly unknown[]; named: Named | null } {
  const list: unknown = parse(args);
  const named: unknown = kwargs === null ? null : parse(kwargs);
  if (!Array.isArray(list) || typeof named !== "object" || Array.isArray(named))
    throw new Refusal("InvalidInput", "the arguments are a list, and an object where they have names");
  return { args: list, named: named !== null && Object.keys(named).length > 0 ? (named as Named) : null };
}

function parse(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal("InvalidInput", "the arguments are no JSON");
  }
  if (/proto|\\u/.test(text)) refusePrototypes(value);
  return value;
}

/**
 * Keys that change the prototype of whatever a careless handler merges them into.
 * @throws Refusal `InvalidInput`
 */
function refusePrototypes(root: unknown): void {
  const waiting: { readonly value: unknown; readonly path: readonly PropertyKey[] }[] = [
    { value: root, path: [] },
  ];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, path } = next;
    if (typeof value !== "object" || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      const pollutes =
        key === "__proto__" ||
        (key === "constructor" &&
          typeof inner === "object" &&
          inner !== null &&
          Object.hasOwn(inner, "prototype"));
      if (pollutes)
        throw new Refusal(
          "InvalidInput",
          `${place("$", path)} must not have ${JSON.stringify(key)}, which changes prototypes`,
        );
      // A path of all its ancestors for each value would be quadratic: a few say enough.
      waiting.push({ value: inner, path: path.length < 20 ? [...path, key] : path });
    }
  }
}

/** A function alone: by position, and by its parameters' names where those are clear. */
export function bindFunction(name: string, fn: (...args: never[]) => unknown): Bind {
  return (args, named) => {
    if (named === null) return args;
    const names = parametersOf(fn)?.map((parameter) => parameter.name);
    if (!names) throw new Refusal("InvalidInput", `${name} takes its arguments by position, not by name`);
    const bound = [...args];
    for (const [key, value] of Object.entries(named)) {
      const at = names.indexOf(key);
      if (at < 0) throw new Refusal("InvalidInput", unknownName(name, key, names));
      if (at < args.length) throw new Refusal("InvalidInput", `${name} got ${JSON.stringify(key)} twice`);
      bound[at] = value;
    }
    // What is between them is undefined, not absent, so that defaults apply.
    return Array.from(bound);
  };
}

const unknownName = (tool: string, key: string, names: readonly string[]): string =>
  names.length === 0
    ? `${tool} takes no arguments`
    : `${tool} has no parameter ${JSON.stringify(cut(key, 60))}; there are ${listed(names)}`;

/** A tool: one value, or an object of named ones. */
export function bindInput(name: string, { parameters, input }: Pick<Tool, "parameters" | "input">): Bind {
  if (parameters === undefined)
    return (args, named) => {
      if (args.length === 0) return [named ?? {}];
      if (args.length === 1 && named === null) return args;
      throw new Refusal(
        "InvalidInput",
        named === null
          ? `${name} takes one object; ${args.length} arguments were given`
          : `${name} takes one object, or arguments by name; not both`,
      );
    };
  return (args, named) => {
    if (args.length > parameters.length)
      throw new Refusal(
        "InvalidInput",
        parameters.length === 0
          ? `${name} takes no arguments by position; ${args.length} were given`
          : `${name} takes at most ${parameters.length} arguments by position, ${listed(parameters)}; ${args.length} were given`,
      );
    const bound: Record<string, unknown> = Object.fromEntries(
      args.map((value, at) => [parameters[at], value]),
    );
    for (const [key, value] of Object.entries(named ?? {})) {
      if (Object.hasOwn(bound, key))
        throw new Refusal("InvalidInput", `${name} got ${JSON.stringify(cut(key, 60))} twice`);
      // With a schema, names are the schema's business.
      if (input === undefined && !parameters.includes(key))
        throw new Refusal("InvalidInput", unknownName(name, key, parameters));
      bound[key] = value;
    }
    return [bound];
  };
}
