import {
  cutText,
  nearest,
  type Parsed,
  parseCompute,
  parseFiles,
  parseHosts,
  parseRam,
  parseRetries,
  parseTimeout,
  parseVariables,
} from "@capsule-run/protocol";
import { parseSecret, type SecretDeclaration } from "./secrets.ts";

/** One key: what its value has to be, and the field it fills. */
export interface KeyRow {
  readonly parse: (value: unknown) => Parsed<unknown>;
  readonly field: string;
}

export type Table = Readonly<Record<string, KeyRow>>;

/** A non-empty string. */
const text =
  (allowed: string) =>
  (value: unknown): Parsed<string> =>
    typeof value === "string" && value !== "" ? { ok: true, value } : { ok: false, allowed };

/** As of a task's option, with `"low"` as well as `"LOW"`. */
const compute = (value: unknown): Parsed<number> =>
  parseCompute(typeof value === "string" ? value.toUpperCase() : value);

const count = (value: unknown): Parsed<number> =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0
    ? { ok: true, value }
    : { ok: false, allowed: "a positive integer, such as 10000" };

/** As of a task's option, said in TOML. */
const files = (value: unknown): ReturnType<typeof parseFiles> => {
  const parsed = parseFiles(value);
  return parsed.ok
    ? parsed
    : {
        ...parsed,
        allowed:
          'a list of folders inside the project, such as ["data", { path = "docs", mode = "read-only" }]; modes: "read-only", "ro", "read-write", "rw"',
      };
};

export const WORKFLOW = {
  name: { parse: text('a string, such as "My Workflow"'), field: "name" },
  version: { parse: text('a string, such as "1.0.0"'), field: "version" },
  entrypoint: { parse: text('a path, such as "src/main.ts"'), field: "entrypoint" },
} satisfies Table;

/** What a task gets that does not say. The fields are those of `DeclaredPolicy`. */
export const TASKS = {
  default_compute: { parse: compute, field: "fuel" },
  default_ram: { parse: parseRam, field: "ram" },
  default_timeout: { parse: parseTimeout, field: "timeoutMs" },
  default_max_retries: { parse: parseRetries, field: "maxRetries" },
  default_allowed_files: { parse: files, field: "files" },
  default_allowed_hosts: { parse: parseHosts, field: "hosts" },
  default_env_variables: { parse: parseVariables, field: "environment" },
} satisfies Table;

/** The ceiling. The fields are those of `Ceiling`. */
export const POLICY = {
  max_compute: { parse: compute, field: "fuel" },
  max_ram: { parse: parseRam, field: "ram" },
  max_timeout: { parse: parseTimeout, field: "timeoutMs" },
  allowed_files: { parse: files, field: "files" },
  allowed_hosts: { parse: parseHosts, field: "hosts" },
  env_variables: { parse: parseVariables, field: "environment" },
  max_tasks: { parse: count, field: "tasks" },
  max_run_compute: { parse: compute, field: "runFuel" },
  max_run_timeout: { parse: parseTimeout, field: "runTimeoutMs" },
} satisfies Table;

/** What is wrong with a table: the key, and in words why. */
export interface TableProblem {
  readonly key: string;
  readonly message: string;
}

export type ReadTable =
  | { readonly ok: true; readonly fields: Readonly<Record<string, unknown>> }
  | ({ readonly ok: false } & TableProblem);

/** What the values of a table became, by field; what is not known is an error. `name`: of the table, in messages. */
export function readTable(table: Table, values: Readonly<Record<string, unknown>>, name: string): ReadTable {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const row = Object.hasOwn(table, key) ? table[key] : undefined;
    if (!row) return { ok: false, key, message: `There is no "${key}" in ${name}${allowed(key, table)}` };
    const parsed = row.parse(value);
    if (!parsed.ok)
      return { ok: false, key, message: `"${key}" must be ${parsed.allowed}${entry(parsed.wrong)}` };
    fields[row.field] = parsed.value;
  }
  return { ok: true, fields };
}

/** Which entry of a list it is, for lists of many lines. */
function entry(wrong: unknown): string {
  if (wrong === undefined) return "";
  const text = JSON.stringify(wrong, (_, value) => (typeof value === "bigint" ? String(value) : value));
  return `; what is wrong is ${cutText(text, 80)}`;
}

function allowed(key: string, table: Table): string {
  const near = nearest(key, Object.keys(table));
  return `${near === null ? "." : `; did you mean "${near}"?`} Allowed: ${Object.keys(table).join(", ")}`;
}

/** `[secrets]`: its keys are names of variables. */
export function readSecrets(values: Readonly<Record<string, unknown>>): ReadTable {
  const secrets: SecretDeclaration[] = [];
  for (const [key, value] of Object.entries(values)) {
    const parsed = parseSecret(key, value);
    if (!parsed.ok) return { ok: false, key, message: `"${key}" must be ${parsed.allowed}` };
    secrets.push(parsed.value);
  }
  return { ok: true, fields: { secrets } };
}
