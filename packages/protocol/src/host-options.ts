/** Options of functions that a host program calls: what programs in JavaScript may get wrong, since no compiler looked. */
import { cutText } from "./cut-text.ts";
import { nearest } from "./nearest.ts";

/** What a value must be, in words, and whether it is; of a list or a record also what each entry of it must be. */
export type OptionCheck = readonly [allowed: string, fits: (value: unknown) => boolean, each?: OptionCheck];

/** Whether it is an object that is no list. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value in a message: short, and never what it says about itself. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cutText(value, 60));
  if (value === null || typeof value !== "object")
    return typeof value === "function" ? "a function" : String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

/** What is wrong with options, looked at one by one; null: nothing. `undefined` is as if it were not there. */
export function wrongOption(
  options: Readonly<Record<string, unknown>>,
  checks: Readonly<Record<string, OptionCheck>>,
): string | null {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) {
      const names = Object.keys(checks);
      const near = nearest(name, names);
      return `there is no option ${shown(name)}; ${near ? `did you mean "${near}"?` : `there are ${names.join(", ")}`}`;
    }
    const wrong = value === undefined ? null : wrongValue(name, value, check);
    if (wrong !== null) return wrong;
  }
  return null;
}

function wrongValue(name: string, value: unknown, [allowed, fits, each]: OptionCheck): string | null {
  if (!fits(value)) return `${name} is ${shown(value)}; allowed: ${allowed}`;
  if (!each) return null;
  const isList = Array.isArray(value);
  for (const [key, entry] of Object.entries(value as object)) {
    const wrong = wrongValue(`${name}[${isList ? key : shown(key)}]`, entry, each);
    if (wrong !== null) return wrong;
  }
  return null;
}
