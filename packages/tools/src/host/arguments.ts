/** What a program hands over, bound to what a tool takes. All of it is the program's word. */
import { cutText } from "@capsule-run/protocol";
import { parametersOf, type Tool } from "../declare/index.ts";
import { place, Refusal } from "./problem.ts";

type Named = Readonly<Record<string, unknown>>;

/** Gives the values that a tool gets: the function's arguments, or its one input. */
export type Bind = (args: readonly unknown[], named: Named | null) => readonly unknown[];

const listed = (names: readonly string[]): string =>
  cutText(names.map((name) => JSON.stringify(name)).join(", "), 300);

/**
 * Arguments of a call, which came as JSON text.
 * @param kept whether the text goes on as it is, to somebody whose integers may be of any length
 */
export function readArguments(
  args: string,
  kwargs: string | null,
  kept: boolean,
): { args: readonly unknown[]; named: Named | null } {
  const list: unknown = parse(args, kept);
  const named: unknown = kwargs === null ? null : parse(kwargs, kept);
  if (!Array.isArray(list) || typeof named !== "object" || Array.isArray(named))
    throw new Refusal("InvalidInput", "the arguments are a list, and an object where they have names");
  return { args: list, named: named !== null && Object.keys(named).length > 0 ? (named as Named) : null };
}

function parse(text: string, kept: boolean): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal("InvalidInput", "the arguments are no JSON");
  }
  refuseTraps(value, (place) => {
    if (!kept || hasInfinity(text))
      throw new Refusal("InvalidInput", `${place} is a number that is too large`);
  });
  return value;
}

/** A list or an object, and where it is. */
interface Inside {
  readonly value: object;
  readonly key: PropertyKey;
  readonly parent: Inside | null;
}

const TOP: PropertyKey = "";

/** The place of what a list or an object holds by a key. */
function placeIn(inside: Inside, key?: PropertyKey): string {
  const path: PropertyKey[] = key === undefined ? [] : [key];
  for (let at = inside; at.parent; at = at.parent) path.unshift(at.key);
  return place("$", path);
}

/**
 * What JSON can say and careless handlers trip over: keys that change the prototype of whatever they are merged into, and
 * numbers so large that reading them gives none.
 * @param infinite is told of each such number
 * @throws Refusal `InvalidInput`
 */
function refuseTraps(root: unknown, infinite: (place: string) => void): void {
  if (typeof root !== "object" || root === null) return;
  const waiting: Inside[] = [{ value: root, key: TOP, parent: null }];
  const look = (inner: unknown, inside: Inside, key: PropertyKey): void => {
    if (typeof inner === "object" && inner !== null) waiting.push({ value: inner, key, parent: inside });
    else if (typeof inner === "number" && !Number.isFinite(inner)) infinite(placeIn(inside, key));
  };
  for (let inside = waiting.pop(); inside; inside = waiting.pop()) {
    const { value } = inside;
    if (Array.isArray(value)) for (const [at, inner] of value.entries()) look(inner, inside, at);
    else
      for (const key of Object.keys(value)) {
        const inner: unknown = (value as Named)[key];
        if (isTrap(key, inner))
          throw new Refusal(
            "InvalidInput",
            `${placeIn(inside)} must not have ${JSON.stringify(key)}, which changes prototypes`,
          );
        look(inner, inside, key);
      }
  }
}

const isTrap = (key: string, inner: unknown): boolean =>
  key === "__proto__" ||
  (key === "constructor" && typeof inner === "object" && inner !== null && Object.hasOwn(inner, "prototype"));

/** What `JSON.parse` gives to a reviver of the text that a value was read from; TypeScript's library does not know it yet. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Whether a text has a number that is infinite in every language, rather than a long integer. */
function hasInfinity(text: string): boolean {
  let has = false;
  const look: Reviver = (_, value, { source = "" }) => {
    has ||= typeof value === "number" && !Number.isFinite(value) && /[.eE]/.test(source);
    return null;
  };
  (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, look);
  return has;
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
    : `${tool} has no parameter ${JSON.stringify(cutText(key, 60))}; there are ${listed(names)}`;

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
        throw new Refusal("InvalidInput", `${name} got ${JSON.stringify(cutText(key, 60))} twice`);
      // With a schema, names are the schema's business.
      if (input === undefined && !parameters.includes(key))
        throw new Refusal("InvalidInput", unknownName(name, key, parameters));
      bound[key] = value;
    }
    return [bound];
  };
}
