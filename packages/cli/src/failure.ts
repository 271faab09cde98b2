import { relative, sep } from "node:path";
import { isUsageError, type Place, type UsageError, withSlug } from "@capsule-run/protocol";
import type { Paint } from "./colour.ts";
import { manyLines, oneLine } from "./format.ts";

export interface FailureStyle {
  readonly cwd: string;
  readonly paint: Paint;
  /** Stack traces too. */
  readonly verbose: boolean;
}

/** A failure of a command, ready to print, and the exit code that goes with it. */
export interface Failure {
  readonly text: string;
  readonly exitCode: 1 | 2;
}

/** A path as a user would write it: relative when it lies in the working directory. */
export function showPath(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === "" || inside === ".." || inside.startsWith(`..${sep}`) ? path : inside;
}

const showPlace = (place: Place, cwd: string): string =>
  `${oneLine(showPath(place.file, cwd))}:${place.line}:${place.column}`;

const stackOf = (error: unknown): string =>
  error instanceof Error ? manyLines(error.stack ?? String(error)) : oneLine(String(error));

function usageFailure(error: UsageError, style: FailureStyle): Failure {
  const { cwd, paint, verbose } = style;
  // The slug stands at the very end of what is printed. An error of another copy of the package may lack the text.
  const lines = [`${paint("red", "error:")} ${manyLines(error.text ?? error.message)}`];
  if (error.place) lines.push(`  ${paint("bold", showPlace(error.place, cwd))}`);
  if (error.excerpt) lines.push(manyLines(error.excerpt).replace(/\n+$/, ""));
  if (verbose) {
    lines.push(stackOf(error));
    if (error.cause !== undefined) lines.push(`caused by: ${stackOf(error.cause)}`);
  }
  return { text: `${withSlug(lines.join("\n"), error.slug)}\n`, exitCode: 2 };
}

/**
 * What is printed of an exception. Wrong use is exit 2 with its place in the user's files; anything else is our bug:
 * one line and exit 1, with the stack when asked for.
 */
export function describeFailure(error: unknown, style: FailureStyle): Failure {
  if (isUsageError(error)) return usageFailure(error, style);
  const { paint, verbose } = style;
  const head = paint("red", "internal error:");
  if (verbose) return { text: `${head} ${stackOf(error)}\n`, exitCode: 1 };
  const message = oneLine(error instanceof Error ? error.message : String(error));
  return { text: `${head} ${message} (run with --verbose for the stack)\n`, exitCode: 1 };
}
