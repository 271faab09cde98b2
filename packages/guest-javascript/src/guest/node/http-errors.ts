/** Errors of `node:http`, with Node's codes. */
import type { EffectFailed } from "../effects.ts";

/** An error with a code. */
export interface Coded extends Error {
  readonly code: string;
}

export function coded(code: string, message: string, Class: new (message: string) => Error = Error): Coded {
  return Object.assign(new Class(message), { code });
}

export const hangUp = (): Coded => coded("ECONNRESET", "socket hang up");
export const aborted = (): Coded => coded("ECONNRESET", "aborted");

/** Names that Node has for what the host calls otherwise. */
const CODES: Readonly<Record<string, string>> = { EDNS: "ENOTFOUND", EABORTED: "ECONNRESET" };

/** Why an exchange failed, for a program: the host's words, and Node's code where there is one. */
export function failureOf(error: unknown): Error {
  const { code, message } = error as EffectFailed;
  if (!(error instanceof Error) || typeof code !== "string") return error as Error;
  return coded(CODES[code] ?? code, message);
}
