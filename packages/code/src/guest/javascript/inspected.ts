/** A value as JSON and as text. */
import { inspect } from "node:util";

/** Nesting of values that are JSON. */
const DEEPEST = 900;

/** JSON text; null for what is no JSON, or too much. What `JSON.stringify` would change silently, such as a Map, is none. */
export function jsonOf(value: unknown, most: number): string | null {
  try {
    if (typeof value === "object" && value !== null && !isJson(value, 0, new Set())) return null;
    if (typeof value === "number" && !Number.isFinite(value)) return null;
    const text = JSON.stringify(value);
    return typeof text === "string" && text.length <= most ? text : null;
  } catch {
    return null;
  }
}

function isJson(value: unknown, depth: number, around: Set<object>): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > DEEPEST || around.has(value)) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return true;
  const proto: unknown = Object.getPrototypeOf(value);
  const isArray = Array.isArray(value);
  if (!isArray && proto !== Object.prototype && proto !== null) return false;
  around.add(value);
  const inner: unknown[] = isArray ? value : Object.values(value).filter((each) => each !== undefined);
  const isWhole = inner.every((each) => isJson(each, depth + 1, around));
  around.delete(value);
  return isWhole;
}

/** A value as Node's REPL shows it, of `most` characters at most. */
export function shown(value: unknown, most: number): { text: string; long: boolean } {
  let text: string;
  try {
    text = plainly(value) ?? inspect(value);
  } catch {
    text = `[${typeof value} that can't be shown]`;
  }
  return text.length <= most ? { text, long: false } : { text: cut(text, most), long: true };
}

/** What is shown as it is written, as most values of pieces are: `inspect` would take a hundred times as long. */
function plainly(value: unknown): string | null {
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number" && value !== 0) return `${value}`;
  return null;
}

/** At most so many characters of a text; of a longer one both ends. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor((most * 3) / 4);
  const start = text.slice(0, most - end);
  return `${start}\n  […${text.length - most} characters are left out…]\n${text.slice(-end)}`.toWellFormed();
}
