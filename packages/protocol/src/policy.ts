import { parseHostPattern } from "./host-pattern.ts";
import { LIMITS } from "./limits.ts";

/** What one task may use, every option settled: what it asked for, within the operator's ceiling. */
export interface TaskPolicy {
  /** Units of fuel for one attempt; one unit is one executed Wasm instruction. */
  readonly fuel: number;
  /** Bytes of sandbox memory, engine included; null: the engine's own limit of 4 GiB. */
  readonly ram: number | null;
  /** Milliseconds of wall time for one attempt, waiting included, queueing excluded; null: unlimited. */
  readonly timeoutMs: number | null;
  readonly maxRetries: number;
  /** Folders of the project. */
  readonly files: readonly FileGrant[];
  /** Hosts it may send requests to, each as `parseHostPattern` gives it. */
  readonly hosts: readonly string[];
  /** Names of environment variables. */
  readonly environment: readonly string[];
}

/** What a task asks for in its own options; null: it does not say. */
export type DeclaredPolicy = { readonly [Option in keyof TaskPolicy]: TaskPolicy[Option] | null };

export type FileMode = "read-only" | "read-write";

/** A folder of the project that a task may use. */
export interface FileGrant {
  /** Relative to the project root, with `/` between names and none of `.`, `..` and empty ones; `.` is the root itself. */
  readonly path: string;
  readonly mode: FileMode;
}

/** The named amounts of `compute`, in units of fuel. MEDIUM is about two million steps of a Python loop. */
export const COMPUTE = { LOW: 100_000_000, MEDIUM: 2_000_000_000, HIGH: 50_000_000_000 } as const;

export const DEFAULT_POLICY: TaskPolicy = {
  fuel: COMPUTE.MEDIUM,
  ram: null,
  timeoutMs: null,
  maxRetries: 0,
  files: [],
  hosts: [],
  environment: [],
};

/** A task that says nothing. */
export const UNDECLARED: DeclaredPolicy = {
  fuel: null,
  ram: null,
  timeoutMs: null,
  maxRetries: null,
  files: null,
  hosts: null,
  environment: null,
};

/** What a value of an option became, or what is wrong with it: what was expected, in words. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly allowed: string;
      /** Of a list the first entry that is wrong. */
      readonly wrong?: unknown;
    };

const RAM_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  KIB: 1024,
  MB: 1024 ** 2,
  MIB: 1024 ** 2,
  GB: 1024 ** 3,
  GIB: 1024 ** 3,
};
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const isAmount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0;

const no = (allowed: string): { ok: false; allowed: string } => ({ ok: false, allowed });
const yes = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });

/** `"LOW"`, `"MEDIUM"`, `"HIGH"`, a positive integer or its digits: units of fuel. */
export function parseCompute(value: unknown): Parsed<number> {
  const allowed = '"LOW", "MEDIUM", "HIGH", or a positive amount of fuel such as 5000000 or "5000000"';
  if (typeof value === "string") {
    if (Object.hasOwn(COMPUTE, value)) return yes(COMPUTE[value as keyof typeof COMPUTE]);
    if (/^[0-9]{1,16}$/.test(value) && isAmount(Number(value))) return yes(Number(value));
    return no(allowed);
  }
  return isAmount(value) ? yes(value) : no(allowed);
}

/** `"64MB"`, `"2GB"`, `"512KiB"` (MB = 1024²) or a positive number of bytes. */
export function parseRam(value: unknown): Parsed<number> {
  const allowed = 'a size such as "64MB", "2GB" or "512KiB", or a positive number of bytes';
  if (isAmount(value)) return yes(value);
  const match = typeof value === "string" ? /^\s*([0-9]+(?:\.[0-9]+)?)\s*([KMG]?i?B)\s*$/i.exec(value) : null;
  if (!match) return no(allowed);
  const unit = RAM_UNITS[(match[2] as string).toUpperCase()];
  const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match[1]) * unit);
  return isAmount(bytes) ? yes(bytes) : no(allowed);
}

/** As `parseRam`, up to `LIMITS.diskBytes`. */
export function parseDisk(value: unknown): Parsed<number> {
  const parsed = parseRam(value);
  return parsed.ok && parsed.value > LIMITS.diskBytes ? no("at most 64GB") : parsed;
}

/** `"500ms"`, `"30s"`, `"5m"`, `"1h"` or a positive number of milliseconds. */
export function parseTimeout(value: unknown): Parsed<number> {
  const allowed = 'a duration such as "500ms", "30s", "5m" or "1h", or a positive number of milliseconds';
  if (isAmount(value)) return yes(value);
  const match = typeof value === "string" ? /^\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)\s*$/.exec(value) : null;
  if (!match) return no(allowed);
  const ms = Math.round(Number(match[1]) * (TIME_UNITS[match[2] as string] as number));
  return isAmount(ms) ? yes(ms) : no(allowed);
}

/** An integer ≥ 0. */
export function parseRetries(value: unknown): Parsed<number> {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return yes(value);
  return no("an integer of 0 or more");
}

/** Entries a list of files, hosts or variables may have. */
const MOST_ENTRIES = 1000;

function parseList<T>(
  value: unknown,
  allowed: string,
  parse: (item: unknown) => T | null,
): Parsed<readonly T[]> {
  if (!Array.isArray(value) || value.length > MOST_ENTRIES) return no(allowed);
  const items: T[] = [];
  for (let i = 0; i < value.length; i++) {
    const item = parse(value[i]);
    if (item === null) return { ...no(allowed), wrong: value[i] };
    items[i] = item;
  }
  return yes(items);
}

const FILES =
  'a list of folders inside the project, such as ["./data", { path: "./docs", mode: "read-only" }]; modes: "read-only", "ro", "read-write", "rw"';

const MODES: Readonly<Record<string, FileMode>> = {
  "read-only": "read-only",
  ro: "read-only",
  "read-write": "read-write",
  rw: "read-write",
};

/** `"./data"` (read-write) or `{ path, mode }`, folders inside the project. */
export const parseFiles = (value: unknown): Parsed<readonly FileGrant[]> =>
  parseList(value, FILES, (item) => {
    if (typeof item === "string") return grant(item, "read-write");
    if (typeof item !== "object" || item === null || Array.isArray(item)) return null;
    const { path, mode = "read-write" } = item as { path?: unknown; mode?: unknown };
    if (Object.keys(item).some((key) => key !== "path" && key !== "mode")) return null;
    if (typeof path !== "string" || typeof mode !== "string" || !Object.hasOwn(MODES, mode)) return null;
    return grant(path, MODES[mode] as FileMode);
  });

function grant(path: string, mode: FileMode): FileGrant | null {
  const inside = pathInside(path);
  return inside === null ? null : { path: inside, mode };
}

/** A relative path without `.`, `..` and empty names; null if it is absolute, leads out, or can't be a path. */
export function pathInside(path: string): string | null {
  if (path === "" || path.length > 4096 || /^[/\\]|^[a-z]:|\0/i.test(path)) return null;
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return null;
  }
  return names.length === 0 ? "." : names.join("/");
}

const HOSTS =
  'a list of host names, such as ["api.example.com", "api.example.com:8443", "*.example.com"], or ["*"]';

/** `"api.example.com"`, `"api.example.com:8443"`, `"*.example.com"` (any depth below it) or `"*"`. */
export const parseHosts = (value: unknown): Parsed<readonly string[]> =>
  parseList(value, HOSTS, (item) => (typeof item === "string" ? parseHostPattern(item) : null));

const VARIABLES = 'a list of names of environment variables, such as ["API_KEY"]';

export const isVariableName = (value: unknown): value is string =>
  typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(value);

/** Names of environment variables. */
export const parseVariables = (value: unknown): Parsed<readonly string[]> =>
  parseList(value, VARIABLES, (item) => (isVariableName(item) ? item : null));

interface OptionRow {
  readonly parse: (value: unknown) => Parsed<unknown>;
  /** The field of `DeclaredPolicy` it fills. */
  readonly field: keyof TaskPolicy;
}

/** Every option of a task but its name, by its name in TypeScript. */
export const TASK_OPTIONS: Readonly<Record<string, OptionRow>> = {
  compute: { parse: parseCompute, field: "fuel" },
  ram: { parse: parseRam, field: "ram" },
  timeout: { parse: parseTimeout, field: "timeoutMs" },
  maxRetries: { parse: parseRetries, field: "maxRetries" },
  allowedFiles: { parse: parseFiles, field: "files" },
  allowedHosts: { parse: parseHosts, field: "hosts" },
  envVariables: { parse: parseVariables, field: "environment" },
};

/** What may be the name of a task: text that any terminal and any codec takes as it is. */
export const isTaskName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= 200 && !/[\p{Cc}\p{Cs}]/u.test(value);

/** What is wrong with a task's options: which one, and what is allowed instead. */
export interface OptionProblem {
  readonly option: string;
  readonly value: unknown;
  readonly allowed: string;
}

/**
 * Reads the options of `task({ … })`. What is `undefined` or absent is not declared: null.
 * `name` must be a non-empty string of at most 200 characters without control characters or lone surrogates.
 */
export function parseTaskOptions(
  options: unknown,
): { ok: true; name: string; policy: DeclaredPolicy } | ({ ok: false } & OptionProblem) {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    return { ok: false, option: "options", value: options, allowed: 'an object such as { name: "main" }' };
  const given = options as Record<string, unknown>;
  const name = given.name;
  if (!isTaskName(name))
    return {
      ok: false,
      option: "name",
      value: name,
      allowed: "a non-empty string of at most 200 characters, unique in the program",
    };
  const policy: Record<string, unknown> = { ...UNDECLARED };
  for (const option of Object.keys(given)) {
    if (option === "name") continue;
    const row = Object.hasOwn(TASK_OPTIONS, option) ? TASK_OPTIONS[option] : undefined;
    if (!row)
      return {
        ok: false,
        option,
        value: given[option],
        allowed: `one of name, ${Object.keys(TASK_OPTIONS).join(", ")}`,
      };
    if (given[option] === undefined) continue;
    const parsed = row.parse(given[option]);
    if (!parsed.ok) return { ok: false, option, value: given[option], allowed: parsed.allowed };
    policy[row.field] = parsed.value;
  }
  return { ok: true, name, policy: policy as unknown as DeclaredPolicy };
}
