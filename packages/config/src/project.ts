import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { UsageError } from "@capsule-run/protocol";
import { excerptOfLine, placeOfKey } from "./place.ts";

export interface ProjectRequest {
  /** The program's file; relative paths are relative to `cwd`. */
  readonly file?: string | undefined;
  readonly cwd: string;
}

/** What `capsule.toml` says, or would say if there was one. Paths are absolute. */
export interface Project {
  /** The nearest folder at or above the program's file (or `cwd`) with a `capsule.toml`, else `cwd`. */
  readonly root: string;
  readonly configFile: string | null;
  readonly name: string | null;
  readonly version: string | null;
  /** The program that runs when none is named. It need not exist. */
  readonly entrypoint: string | null;
}

const NAMES = ["capsule.toml", "Capsule.toml"];

/** The tables of `capsule.toml`: for each key what a value has to be. `null` is a table that a later version reads. */
const TABLES: Readonly<Record<string, Readonly<Record<string, string>> | null>> = {
  workflow: {
    name: 'a string, such as "My Workflow"',
    version: 'a string, such as "1.0.0"',
    entrypoint: 'a path, such as "src/main.ts"',
  },
  tasks: null,
  policy: null,
  secrets: null,
};
const ALLOWED = Object.keys(TABLES).filter((name) => TABLES[name]);

/**
 * Finds the project of a program and reads its `capsule.toml`.
 * @throws UsageError `capsule-toml` for what is wrong in it, `not-yet` for tables that this version can't honour;
 * both with place and excerpt
 */
export async function readProject({ file, cwd }: ProjectRequest): Promise<Project> {
  const configFile = findConfig(file === undefined ? resolve(cwd) : dirname(resolve(cwd, file)));
  if (configFile === null)
    return { root: resolve(cwd), configFile: null, name: null, version: null, entrypoint: null };
  const source = readSource(configFile, cwd);
  const { parse, TomlError } = await import("smol-toml");
  let toml: Record<string, unknown>;
  try {
    toml = parse(source.text) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw syntaxError(error, source);
  }
  const workflow = checkTables(toml, source);
  const root = dirname(configFile);
  return {
    root,
    configFile,
    name: workflow.name ?? null,
    version: workflow.version ?? null,
    entrypoint: workflow.entrypoint === undefined ? null : entrypointIn(root, workflow.entrypoint, source),
  };
}

function findConfig(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    for (const name of NAMES) {
      const path = join(at, name);
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
    }
    if (dirname(at) === at) return null;
  }
}

interface Source {
  readonly text: string;
  /** The file as the user would write it. */
  readonly shown: string;
}

function readSource(path: string, cwd: string): Source {
  const shown = relative(cwd, path).replaceAll(sep, "/");
  try {
    return { text: readFileSync(path, "utf8").replace(/^\ufeff/, ""), shown };
  } catch (cause) {
    throw new UsageError("capsule-toml", `"${shown}" can't be read: ${(cause as Error).message}`, { cause });
  }
}

function syntaxError(error: { message: string; line: number; column: number }, source: Source): UsageError {
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

function problem(
  slug: "capsule-toml" | "not-yet",
  message: string,
  keys: string[],
  source: Source,
): UsageError {
  const at = placeOfKey(source.text, keys);
  return new UsageError(slug, message, {
    place: { file: source.shown, line: at.line, column: at.column },
    excerpt: excerptOfLine(source.text, at.line, at.column),
  });
}

function checkTables(toml: Record<string, unknown>, source: Source): Readonly<Record<string, string>> {
  for (const table of Object.keys(toml)) {
    const keys = Object.hasOwn(TABLES, table) ? TABLES[table] : undefined;
    if (keys === null)
      throw problem(
        "not-yet",
        `[${table}] can't be set yet: this version of Capsule reads ${list(ALLOWED)}`,
        [table],
        source,
      );
    if (keys === undefined)
      throw problem(
        "capsule-toml",
        `There is no "${table}" here: ${list(ALLOWED)} is allowed`,
        [table],
        source,
      );
    checkKeys(table, toml[table], keys, source);
  }
  return (toml.workflow ?? {}) as Record<string, string>;
}

const list = (tables: readonly string[]) => tables.map((table) => `[${table}]`).join(", ");

function checkKeys(
  table: string,
  value: unknown,
  keys: Readonly<Record<string, string>>,
  source: Source,
): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date)
    throw problem("capsule-toml", `"${table}" must be a table: [${table}]`, [table], source);
  for (const [key, given] of Object.entries(value)) {
    const expected = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (expected === undefined)
      throw problem(
        "capsule-toml",
        `There is no "${key}" in [${table}]: ${Object.keys(keys).join(", ")} are allowed`,
        [table, key],
        source,
      );
    if (typeof given !== "string" || given === "")
      throw problem("capsule-toml", `"${key}" must be ${expected}`, [table, key], source);
  }
}

function entrypointIn(root: string, entrypoint: string, source: Source): string {
  const path = resolve(root, entrypoint);
  const inside = relative(root, path);
  if (isAbsolute(entrypoint) || isAbsolute(inside) || inside === "" || inside.split(sep)[0] === "..")
    throw problem(
      "capsule-toml",
      `"entrypoint" must be a file inside the project, relative to this file: "${entrypoint}" is not`,
      ["workflow", "entrypoint"],
      source,
    );
  return path;
}
