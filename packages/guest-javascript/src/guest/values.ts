/**
 * Values as JSON, strictly: what `JSON.stringify` would silently change (NaN, Infinity) or can't write (BigInt, cycles)
 * is refused with the place where it was found. The ordinary case costs one native `JSON.stringify`.
 */
import { LIMITS } from "@capsule-run/protocol";
import {
  append,
  apply,
  bigIntOf,
  indexOf,
  isArray,
  isFiniteNumber,
  keys,
  quote,
  SafeBigInt,
  SafeNumber,
  slice,
  stringify,
  toText,
} from "./primordials.ts";

export type Serialised =
  | { readonly ok: true; readonly text: string }
  /** `problem`: what was found, where, and what to do, without saying whose value it is. */
  | { readonly ok: false; readonly problem: string };

/**
 * `value` as JSON text, or what is wrong with it. `undefined`, functions and symbols are as in `JSON.stringify`,
 * alone they are `null`. Bytes of UTF-8 are for the host to count: here only a text with more characters than
 * `mostBytes` is refused.
 * @throws whatever a getter, a proxy or a `toJSON` of the value throws
 */
export function toJson(value: unknown, mostBytes: number): Serialised {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (error) {
    const problem = findProblem(value);
    if (problem === null) throw error;
    return { ok: false, problem };
  }
  if (text === undefined) return { ok: true, text: "null" };
  if (text.length > mostBytes) return { ok: false, problem: tooLarge(text.length, mostBytes) };
  if (typeof value !== "string" && needsWalk(text)) {
    const problem = findProblem(value);
    if (problem !== null) return { ok: false, problem };
  }
  return { ok: true, text };
}

/** What a text of more bytes than `most` is told. */
export function tooLarge(size: number, most: number): string {
  return `${size} characters of JSON, more than the ${most} bytes that are allowed; hand over less, or in several parts`;
}

/** Whether NaN or Infinity may hide behind a `null`, or nesting may be too deep. */
let needsWalk = (text: string): boolean => {
  if (indexOf(text, "null") >= 0) return true;
  const most: number = LIMITS.valueDepth;
  if (text.length <= 2 * most) return false;
  let opened = 0;
  for (let at = indexOf(text, "["); at >= 0; at = indexOf(text, "[", at + 1))
    if (++opened > most) return true;
  for (let at = indexOf(text, "{"); at >= 0; at = indexOf(text, "{", at + 1))
    if (++opened > most) return true;
  return false;
};

/** Lets the host scan texts: where this code is interpreted that costs far less. */
export function scanBy(suspect: (text: string) => boolean): void {
  needsWalk = suspect;
}

/** One container on the way from the root to the value being looked at. */
interface Level {
  readonly container: object;
  /** The property names still to visit; null for an array. */
  readonly names: readonly string[] | null;
  index: number;
}

/**
 * Walks a value in the order of `JSON.stringify` and describes the first thing JSON can't hold; null if there is none.
 * Iterative, so that depth costs no stack.
 */
function findProblem(root: unknown): string | null {
  const levels: Level[] = [];
  const visit = (value: unknown, key: string): string | null => {
    const seen = unwrap(value, key);
    if (typeof seen === "number")
      return isFiniteNumber(seen)
        ? null
        : `${toText(seen)} at ${path(levels)}; JSON has no ${toText(seen)}: use null or a string instead`;
    if (typeof seen === "bigint")
      return `a BigInt at ${path(levels)}; JSON has no BigInt: use a string, such as String(value), instead`;
    if (typeof seen !== "object" || seen === null) return null;
    for (let i = 0; i < levels.length; i++)
      if ((levels[i] as Level).container === seen)
        return `a cycle at ${path(levels)}, which is ${path(levels, i)} again; JSON has no references: leave it out or copy what is needed`;
    if (levels.length >= LIMITS.valueDepth)
      return `a value nested deeper than ${LIMITS.valueDepth} levels at ${path(levels)}; flatten it`;
    append(levels, { container: seen, names: isArray(seen) ? null : keys(seen), index: -1 });
    return null;
  };
  const problem = visit(root, "");
  if (problem !== null) return problem;
  while (levels.length > 0) {
    const level = levels[levels.length - 1] as Level;
    level.index++;
    const { container, names, index } = level;
    if (index >= (names ?? (container as readonly unknown[])).length) {
      levels.length--;
      continue;
    }
    const key = names === null ? index : (names[index] as string);
    const value = (container as Readonly<Record<string | number, unknown>>)[key];
    if (typeof value === "string" || typeof value === "boolean") continue;
    const found = visit(value, toText(key));
    if (found !== null) return found;
  }
  return null;
}

/** What `JSON.stringify` would look at: after `toJSON`, and without a wrapper object. */
function unwrap(value: unknown, key: string): unknown {
  let seen = value;
  if ((typeof seen === "object" && seen !== null) || typeof seen === "bigint") {
    const { toJSON } = seen as { toJSON?: unknown };
    if (typeof toJSON === "function") seen = apply(toJSON, seen, [key]);
  }
  if (seen instanceof SafeBigInt) return bigIntOf(seen);
  return seen instanceof SafeNumber ? SafeNumber(seen) : seen;
}

/** The place the walk is at, such as `$.a[3].b`, up to the level `end`; the middle of a very long one is left out. */
function path(levels: readonly Level[], end = levels.length): string {
  let text = "$";
  for (let i = 0; i < end; i++) {
    const { names, index } = levels[i] as Level;
    text += names === null ? `[${index}]` : property(names[index] as string);
  }
  return text.length <= 200 ? text : `${slice(text, 0, 100)}…${slice(text, text.length - 80)}`;
}

function property(name: string): string {
  const plain = name.length > 0 && name.length <= 60 && isIdentifier(name);
  return plain ? `.${name}` : `[${quote(name.length <= 60 ? name : `${slice(name, 0, 60)}…`)}]`;
}

function isIdentifier(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name[i] as string;
    const letter = (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || c === "_" || c === "$";
    if (!letter && (i === 0 || c < "0" || c > "9")) return false;
  }
  return true;
}

/** The result of task `name`, or the message of an `invalid_result`. */
export function resultJson(name: string, value: unknown): Serialised {
  const json = toJson(value, LIMITS.resultBytes);
  return json.ok ? json : { ok: false, problem: `task ${quote(name)} returned ${json.problem}` };
}

/**
 * The arguments of a call as a JSON array, or the message of an `invalid_arguments`. Arguments at the end that are
 * `undefined` are left out, so that the task's default parameters apply.
 * @param kind what is called
 */
export function argumentsJson(
  name: string,
  args: readonly unknown[],
  kind: "task" | "tool" = "task",
): Serialised {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  let text = "[";
  for (let i = 0; i < count; i++) {
    const json = toJson(args[i], LIMITS.argumentBytes);
    if (!json.ok)
      return { ok: false, problem: `${kind} ${quote(name)}: argument ${i + 1} has ${json.problem}` };
    text += i === 0 ? json.text : `,${json.text}`;
  }
  text += "]";
  if (text.length > LIMITS.argumentBytes)
    return {
      ok: false,
      problem: `${kind} ${quote(name)}: the arguments are ${tooLarge(text.length, LIMITS.argumentBytes)}`,
    };
  return { ok: true, text };
}
