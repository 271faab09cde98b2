import { readFileSync } from "node:fs";
import { relative, sep } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import { excerptOfLine, placeOfKey } from "./place.ts";

/** A configuration file. */
export interface Source {
  readonly text: string;
  /** The file as the user would write it. */
  readonly shown: string;
}

/** @throws UsageError if it can't be read */
export function readSource(path: string, cwd: string): Source {
  const shown = relative(cwd, path).replaceAll(sep, "/");
  try {
    return { text: readFileSync(path, "utf8").replace(/^\ufeff/, ""), shown };
  } catch (cause) {
    throw new UsageError("capsule-toml", `"${shown}" can't be read: ${(cause as Error).message}`, { cause });
  }
}

export function syntaxError(
  error: { message: string; line: number; column: number },
  source: Source,
): UsageError {
  // The library's message goes on with an excerpt of its own.
  const [first = "", ...rest] = (error.message.split("\n\n", 1)[0] as string).split("\n");
  const reason = [first.replace(/^Invalid TOML document: /, ""), ...rest].join(" ");
  const { line, column } = error;
  return new UsageError("capsule-toml", `"${source.shown}" is not TOML: ${reason}`, {
    place: { file: source.shown, line, column },
    excerpt: excerptOfLine(source.text, line, column),
    cause: error,
  });
}

/** What is wrong at a key, given by its path from the top of the document. */
export function problem(message: string, keys: readonly string[], source: Source): UsageError {
  const at = placeOfKey(source.text, keys);
  return new UsageError("capsule-toml", message, {
    place: { file: source.shown, line: at.line, column: at.column },
    excerpt: excerptOfLine(source.text, at.line, at.column),
  });
}
