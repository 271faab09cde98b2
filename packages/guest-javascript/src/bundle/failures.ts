import { readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { excerpt, type Place, printable, UsageError, type UsageSlug } from "@capsule-run/protocol";
import type { BuildFailure, Location, Message } from "esbuild";
import { OUTSIDE } from "./confine.ts";
import { SDK_INPUT } from "./own.ts";

/** Errors of one compilation that are listed. */
const LISTED = 10;

/** How files are named and looked into while messages are made. */
export interface Naming {
  /** The folder esbuild worked in: its paths are relative to it. */
  readonly base: string;
  /** An absolute path as the user would write it. */
  show(path: string): string;
  /** What a module exports, or null if that can't be told. */
  exportsOf(path: string): Promise<readonly string[] | null>;
  readonly sdk: string;
}

export const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);

/** All errors of a compilation as one: the first with place and excerpt, up to nine more as a list. */
export async function compileError(failure: BuildFailure, naming: Naming): Promise<UsageError> {
  const [first, ...more] = failure.errors.map(placed);
  if (!first) return new UsageError("compile", printable(failure.message), { cause: failure });
  let message = await textOf(first, naming);
  if (more.length > 0) {
    const texts = await Promise.all(
      more.slice(0, LISTED - 1).map((each) => textOf(each, naming).then((text) => line(each, text, naming))),
    );
    message += `\n${more.length} more:\n${texts.map((text) => `  ${text}`).join("\n")}`;
    if (more.length >= LISTED) message += `\n  and ${more.length - LISTED + 1} that are not shown`;
  }
  return new UsageError(slugOf(first), message, {
    place: first.location ? placeOf(first.location, naming) : undefined,
    excerpt: first.location ? excerptOf(first.location, naming) : undefined,
    cause: failure,
  });
}

/** What the first error is about: it comes with its place. */
function slugOf({ text, detail }: Message): UsageSlug {
  if (detail === OUTSIDE) return OUTSIDE;
  return /^(?:Could not resolve|No matching export in) "/.test(text) ? "unresolved-import" : "compile";
}

/** Errors about a file that is imported stand at the import. */
const placed = (message: Message): Message =>
  message.location
    ? message
    : { ...message, location: message.notes.find((note) => note.location)?.location ?? null };

/** A warning as one line with its place; null for what is about others' packages. */
export function warningText(warning: Message, naming: Naming): string | null {
  if (warning.location && /(^|[\\/])node_modules[\\/]/.test(warning.location.file)) return null;
  return line(warning, printable(warning.text), naming);
}

function line(message: Message, text: string, naming: Naming): string {
  if (!message.location) return text;
  const place = placeOf(message.location, naming);
  return `${place.file}:${place.line}:${place.column}: ${text}`;
}

const pathOf = (location: Location, naming: Naming) => resolve(naming.base, location.file);

/** esbuild counts columns in bytes from 0, Capsule in UTF-16 units from 1, as editors do. */
function placeOf(location: Location, naming: Naming): Place {
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString();
  return { file: naming.show(pathOf(location, naming)), line: location.line, column: before.length + 1 };
}

function excerptOf(location: Location, naming: Naming): string | undefined {
  const { line, column } = placeOf(location, naming);
  const file = textIfReadable(pathOf(location, naming));
  // A file that has changed meanwhile is shown as esbuild saw it.
  return file?.split(/\r\n|[\n\r\u2028\u2029]/)[line - 1] === location.lineText
    ? excerpt(file, { line, column })
    : excerpt(location.lineText, { line: 1, column });
}

function textIfReadable(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const SDK_NAME = "@capsule-run/sdk";

async function textOf(message: Message, naming: Naming): Promise<string> {
  const text = printable(message.text);
  const unresolved = /^Could not resolve "(.*)"/.exec(text)?.[1];
  if (unresolved !== undefined) return unresolvedText(unresolved, message);
  const missing = /^No matching export in "(.*)" for import "(.*)"$/.exec(text);
  if (missing) return missingText(missing[1] as string, missing[2] as string, naming);
  return text;
}

function unresolvedText(name: string, message: Message): string {
  if (name.startsWith(".") || name.startsWith("/") || isAbsolute(name))
    return `Could not resolve "${name}": there is no such file`;
  const hint = message.notes.find((note) => !note.text.startsWith("You can mark the path"))?.text;
  const reason = hint ? printable(hint) : "is the package installed?";
  return `Could not resolve "${name}": ${reason}`;
}

async function missingText(file: string, name: string, naming: Naming): Promise<string> {
  const ours = file === SDK_INPUT;
  const path = ours ? naming.sdk : resolve(naming.base, file);
  const shown = ours ? SDK_NAME : naming.show(path);
  const names = await naming.exportsOf(path).catch(() => null);
  const has =
    names === null
      ? ""
      : names.length === 0
        ? ": it exports nothing"
        : `: it exports ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}`;
  return `"${name}" is not exported by "${shown}"${has}`;
}
