import {
  isVariableName,
  LIMITS,
  type Parsed,
  parseCompute,
  parseDisk,
  parseHosts,
  parseRam,
  parseTimeout,
  shown,
  UsageError,
} from "@capsule-run/protocol";
import type { PolicyOptions } from "@capsule-run/runtime";
import type { CodeLanguage, CodeSandboxOptions } from "./api.ts";

const LANGUAGES: readonly CodeLanguage[] = ["python", "javascript"];

/** What a sandbox may use where nothing else is said. */
const DEFAULT_LIMITS = { compute: "HIGH", ram: "2GB", timeout: "60s", disk: "1GB" } as const;

const LIMIT_PARSERS: Readonly<Record<keyof typeof DEFAULT_LIMITS, (value: unknown) => Parsed<number>>> = {
  compute: parseCompute,
  ram: parseRam,
  timeout: parseTimeout,
  disk: parseDisk,
};

/** Options of a sandbox, checked and settled. */
export interface SandboxSettings {
  readonly language: CodeLanguage;
  /** The ceiling of its runs. */
  readonly policy: PolicyOptions;
  /** Bytes that its workspace may hold. */
  readonly disk: number;
  /** As `parseHosts` gives them. */
  readonly hosts: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

/** @throws UsageError `run-option` */
export function settingsOf(options: CodeSandboxOptions): SandboxSettings {
  const { language = "python", limits = {}, hosts = [], env = {}, files = {} } = options;
  if (!LANGUAGES.includes(language))
    throw wrong(`language is ${JSON.stringify(language)}; it can be ${LANGUAGES.join(" or ")}`);
  for (const [name, value] of Object.entries(record("limits", limits))) {
    if (value === undefined) continue;
    const parse = Object.hasOwn(LIMIT_PARSERS, name)
      ? LIMIT_PARSERS[name as keyof typeof LIMIT_PARSERS]
      : null;
    if (!parse)
      throw wrong(
        `limits has no ${JSON.stringify(name)}; it can have ${Object.keys(LIMIT_PARSERS).join(", ")}`,
      );
    const parsed = parse(value);
    if (!parsed.ok) throw wrong(`limits.${name} is ${JSON.stringify(value)}; it can be ${parsed.allowed}`);
  }
  const reach = parseHosts(hosts);
  if (!reach.ok) {
    const odd = Array.isArray(hosts) ? hosts.find((host) => !parseHosts([host]).ok) : hosts;
    throw wrong(`hosts can't have ${shown(odd)}; it is ${reach.allowed}`);
  }
  for (const [name, value] of Object.entries(record("env", env)))
    if (!isVariableName(name) || typeof value !== "string" || value.includes("\0"))
      throw wrong(
        `env: ${JSON.stringify(name)} can't be a variable; names are letters, digits and _, values text`,
      );
  for (const [name, data] of Object.entries(record("files", files)))
    if (typeof data !== "string" && !(data instanceof Uint8Array))
      throw wrong(`files: ${JSON.stringify(name)} must be a string or a Uint8Array`);
  const { compute, ram, timeout, disk } = { ...DEFAULT_LIMITS, ...defined(limits) };
  const room = parseDisk(disk);
  return {
    language,
    // It was looked at above.
    disk: room.ok ? room.value : 0,
    // One task: code can call the program's `main` as one, and each would have all that a call may use.
    policy: { max_compute: compute, max_ram: ram, max_timeout: timeout, max_tasks: 1, env_variables: [] },
    hosts: reach.value,
    env,
    files,
  };
}

/** @throws UsageError `run-option` */
export function checkCode(code: unknown): string {
  if (typeof code !== "string") throw wrong("the code must be a string");
  if (code.length > LIMITS.codeCharacters)
    throw wrong(`the code has ${code.length} characters, more than the ${LIMITS.codeCharacters} allowed`);
  return code;
}

/** What a caller got wrong. */
export const wrong = (text: string): UsageError => new UsageError("run-option", text);

function record(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(`${name} must be an object`);
  return value as Record<string, unknown>;
}

const defined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
