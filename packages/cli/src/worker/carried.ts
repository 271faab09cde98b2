import { isArguments, isJson } from "@capsule-run/protocol";
import { findField } from "./arguments.ts";

const OPEN_ARRAY = 0x5b;

/** Fields whose values go on as the text they are, and what stands for them while the rest is read. */
const CARRIED = { args: "[]", result: "null" } as const;

export type CarriedField = keyof typeof CARRIED;
export const CARRIED_FIELDS = Object.keys(CARRIED) as readonly CarriedField[];

/** A field's value, and the line without it; null where they can't be told apart without reading all of it. */
export function part(
  line: Uint8Array,
  field: CarriedField,
): { readonly json: string; readonly rest: string } | null {
  const span = findField(line, field);
  if (!span) return null;
  const { from, to } = span;
  const value = line.subarray(from, to);
  const fits = field === "args" ? value[0] === OPEN_ARRAY && isArguments(value) : isJson(value);
  if (!fits) return null;
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  return {
    json: text(value),
    rest: `${text(line.subarray(0, from))}${CARRIED[field]}${text(line.subarray(to))}`,
  };
}

/** Whether what was read is what stands for the field. If not, the same name stands there once more, with escapes. */
export const isPlaceholder = (field: CarriedField, value: unknown): boolean =>
  JSON.stringify(value) === CARRIED[field];
