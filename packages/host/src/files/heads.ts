/** Checks of heads, field by field: what a guest sends may be anything. */
import { refuse } from "./failure.ts";

export type Head = Readonly<Record<string, unknown>>;

/** What an operation is done to. */
export type Target =
  | { readonly path: string; readonly handle?: undefined }
  | { readonly path?: undefined; readonly handle: number };

export function text(head: Head, field: string): string {
  const value = head[field];
  return typeof value === "string" ? value : refuse("EINVAL", `${field} has to be a string`);
}

export function flag(head: Head, field: string): boolean {
  const value = head[field];
  return typeof value === "boolean" ? value : refuse("EINVAL", `${field} has to be true or false`);
}

/** A size, a position or the number of a handle. */
export function count(head: Head, field: string): number {
  const value = head[field];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse("EINVAL", `${field} has to be an integer from 0 to 2^53 - 1`);
}

export const countOrNull = (head: Head, field: string): number | null =>
  head[field] === null ? null : count(head, field);

export function target(head: Head): Target {
  return head.path === undefined ? { handle: count(head, "handle") } : { path: text(head, "path") };
}

const LARGEST = 2n ** 63n;

/** Nanoseconds since 1970 from digits; null: unchanged. */
export function time(head: Head, field: string): bigint | null {
  const value = head[field];
  if (value === null) return null;
  if (typeof value !== "string" || !/^-?[0-9]{1,19}$/.test(value))
    refuse("EINVAL", `${field} has to be nanoseconds as digits, or null`);
  const nanoseconds = BigInt(value);
  return nanoseconds < LARGEST && nanoseconds >= -LARGEST
    ? nanoseconds
    : refuse("EINVAL", `${field} is beyond 64 bits`);
}
