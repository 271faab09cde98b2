import { statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { CONFIG_FILE, type DeclaredPolicy, nearest, UNDECLARED } from "@capsule-run/protocol";
import { type Ceiling, NO_CEILING } from "./ceiling.ts";
import type { SecretDeclaration } from "./secrets.ts";
import { problem, readSource, type Source, syntaxError } from "./source.ts";
import { POLICY, type ReadTable, readSecrets, readTable, TASKS, type Table, WORKFLOW } from "./tables.ts";

export interface ProjectRequest {
  /** The program's file; relative paths are relative to `cwd`. */
  readonly file?: string | undefined;
  readonly cwd: string;
  /** Absolute: the project's root, whatever lies above the program. */
  readonly root?: string | undefined;
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
  /** What a task gets that does not say. */
  readonly defaults: DeclaredPolicy;
  /** What it gets at most. */
  readonly ceiling: Ceiling;
  readonly secrets: readonly SecretDeclaration[];
}

const NAMES = [CONFIG_FILE, "Capsule.toml"];

/** Tables with keys of their own. The keys of `[secrets]` are its user's. */
const KEYED: Readonly<Record<string, Table>> = { workflow: WORKFLOW, tasks: TASKS, policy: POLICY };
const TABLES = [...Object.keys(KEYED), "secrets"];

/**
 * Finds the project of a program and reads its `capsule.toml`.
 * @throws UsageError `capsule-toml` for what is wrong in it, with place and excerpt
 */
export async function readProject({ file, cwd, root: given }: ProjectRequest): Promise<Project> {
  const configFile =
    given === undefined
      ? findConfig(file === undefined ? resolve(cwd) : dirname(resolve(cwd, file)))
      : configIn(given);
  const root = given ?? (configFile === null ? resolve(cwd) : dirname(configFile));
  const project: Project = {
    root,
    configFile,
    ...{ name: null, version: null, entrypoint: null },
    defaults: UNDECLARED,
    ceiling: NO_CEILING,
    secrets: [],
  };
  if (configFile === null) return project;
  const source = readSource(configFile, cwd);
  const tables = readTables(await parse(source), source);
  const { entrypoint } = tables.workflow ?? {};
  return {
    ...project,
    ...tables.workflow,
    entrypoint: typeof entrypoint === "string" ? entrypointIn(root, entrypoint, source) : null,
    defaults: { ...UNDECLARED, ...tables.tasks },
    ceiling: { ...NO_CEILING, ...tables.policy },
    ...tables.secrets,
  };
}

function findConfig(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const path = configIn(at);
    if (path !== null || dirname(at) === at) return path;
  }
}

const configIn = (folder: string): string | null =>
  NAMES.map((name) => join(folder, name)).find((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  ) ?? null;

async function parse(source: Source): Promise<Record<string, unknown>> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(source.text) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw syntaxError(error, source);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields of each table that is there; whatever is not known is an error, since it might be a limit somebody relies on. */
function readTables(toml: Record<string, unknown>, source: Source): Readonly<Record<string, Fields>> {
  const found: Record<string, Fields> = {};
  for (const [name, value] of Object.entries(toml)) {
    if (!TABLES.includes(name))
      throw problem(`There is no "${name}" here${allowedTables(name)}`, [name], source);
    if (!isTable(value)) throw problem(`"${name}" must be a table: [${name}]`, [name], source);
    const read = readNamed(name, value);
    if (!read.ok) throw problem(read.message, [name, read.key], source);
    found[name] = read.fields;
  }
  return found;
}

function readNamed(name: string, values: Record<string, unknown>): ReadTable {
  const table = KEYED[name];
  return table ? readTable(table, values, `[${name}]`) : readSecrets(values);
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** The tables there are, or for a key that stands outside of its table, that table. */
function allowedTables(name: string): string {
  const home = Object.keys(KEYED).find((table) => Object.hasOwn(KEYED[table] as Table, name));
  if (home !== undefined) return `: it belongs into [${home}]`;
  const near = nearest(name, TABLES);
  const tables = TABLES.map((table) => `[${table}]`).join(", ");
  return `${near === null ? "." : `; did you mean [${near}]?`} Allowed: ${tables}`;
}

function entrypointIn(root: string, entrypoint: string, source: Source): string {
  const path = resolve(root, entrypoint);
  const inside = relative(root, path);
  if (isAbsolute(entrypoint) || isAbsolute(inside) || inside === "" || inside.split(sep)[0] === "..")
    throw problem(
      `"entrypoint" must be a file inside the project, relative to this file: "${entrypoint}" is not`,
      ["workflow", "entrypoint"],
      source,
    );
  return path;
}
