/** What the fields of messages may be: rules that the tables of `protocol.ts` and `code-fields.ts` are made of. */
import { WORKER_LIMITS } from "./limits.ts";

export interface Field {
  readonly rule: (value: unknown) => boolean;
  /** What the rule allows, in words. */
  readonly allowed: string;
  readonly required?: true;
}

/** The fields of a message, by name. */
export type Fields = Readonly<Record<string, Field>>;

export const isText = (value: unknown): value is string => typeof value === "string";
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
export const isId = (value: unknown): value is string =>
  isText(value) && value !== "" && value.length <= WORKER_LIMITS.idCharacters;
const isFilled = (value: unknown): boolean => isText(value) && value !== "" && !value.includes("\0");

export const ID: Field = {
  rule: isId,
  allowed: `a string of 1 to ${WORKER_LIMITS.idCharacters} characters`,
  required: true,
};
export const PATH: Field = { rule: isFilled, allowed: "a path" };
export const FILE: Field = { ...PATH, required: true };
export const SWITCH: Field = { rule: (value) => typeof value === "boolean", allowed: "true or false" };
export const COUNT: Field = { rule: isCount, allowed: "a positive integer" };
export const TEXTS: Field = {
  rule: (value) => Array.isArray(value) && value.every(isText),
  allowed: "an array of strings",
};
export const VARIABLES: Field = {
  rule: (value) => isRecord(value) && Object.values(value).every(isText),
  allowed: "an object of strings",
};
