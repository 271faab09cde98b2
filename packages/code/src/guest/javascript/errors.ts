/** What code throws, as Node's REPL shows it. */
import { inspect } from "node:util";
import { cut } from "./inspected.ts";
import { placed } from "./stacks.ts";

/** The fields of an exception, each cut where it is long. */
export interface Raised {
  name: string;
  message: string;
  traceback: string;
}

const MOST_TRACE = 64 * 1024;
const MOST_MESSAGE = 16 * 1024;

/** Never throws. */
export function describe(raised: unknown): Raised {
  try {
    if (!(raised instanceof Error)) return thrown(raised);
    const traceback = cut(placed(inspect(raised)), MOST_TRACE);
    return { name: nameOf(raised), message: cut(String(raised.message), MOST_MESSAGE), traceback };
  } catch {
    return { name: "Error", message: "an error that can't be shown", traceback: "" };
  }
}

function thrown(value: unknown): Raised {
  const text = cut(inspect(value), MOST_MESSAGE);
  return { name: "Uncaught", message: text, traceback: `Uncaught ${text}` };
}

/** `class NotFound extends Error {}` is a `NotFound`, though its name is only inherited. */
function nameOf(error: Error): string {
  const name = String(error.name);
  const made: unknown = error.constructor?.name;
  return (name === "Error" && typeof made === "string" && made !== "" ? made : name).slice(0, 200);
}

/** What is wrong with the code itself, with its line. */
export function describeSyntax(raised: unknown, code: string): Raised {
  const { message, loc } = raised as { message?: unknown; loc?: { line: number; column: number } };
  if (!(raised instanceof SyntaxError) || !loc) return describe(raised);
  const text = String(message).replace(/ \(\d+:\d+\)$/, "");
  const line = (code.split("\n")[loc.line - 1] ?? "").slice(0, 1000);
  const marker = `${" ".repeat(Math.min(loc.column, 1000))}^`;
  const traceback = `code.js:${loc.line}\n${line}\n${marker}\n\nSyntaxError: ${text}`;
  return { name: "SyntaxError", message: text, traceback };
}
